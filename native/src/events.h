// What libvirt tells on its own about domains. The callbacks run on libvirt's event thread with a domain that
// is only lent to them: they copy and post, and never block or call back into libvirt.
#pragma once

#include <libvirt/libvirt.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "connection.h"

namespace secovia {

// Events of one connection that may wait for JavaScript. Those beyond are dropped, and their number is told.
inline constexpr uint32_t kWaitingEvents = 10'000;

struct Subscription {
  Subscription(uint32_t connection, std::weak_ptr<Instance> instance)
      : connection(connection), instance(std::move(instance)) {}

  const uint32_t connection;
  const std::weak_ptr<Instance> instance;
  // libvirt's numbers of the registered callbacks.
  std::vector<int> callbacks;
  std::atomic<uint32_t> waiting{0};
  std::atomic<uint32_t> lost{0};
};

// Run on threads of the connection's pool. `Register` throws a Failure, and then nothing is registered.
std::shared_ptr<Subscription> Register(Connection& connection);
void Deregister(virConnectPtr handle, Subscription& subscription);

}  // namespace secovia
