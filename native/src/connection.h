// One libvirt connection: the handle, the threads that work on it, and how both end together.
#pragma once

#include <libvirt/libvirt.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "instance.h"
#include "pool.h"

namespace secovia {

struct Subscription;

struct OpenOptions {
  bool readOnly = false;
  uint32_t keepaliveIntervalS = 3;
  uint32_t keepaliveCount = 3;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Instance> instance, uint32_t id, std::string uri);

  // A task of the pool. Throws a Failure.
  void Open(const OpenOptions& options);
  std::optional<Failure> Submit(std::shared_ptr<Task> task) { return pool_->Submit(std::move(task)); }
  // Refuses further calls and releases the handle when the running ones have come back; `task` is answered then.
  void Close(std::shared_ptr<Task> task);

  // Valid while a task runs.
  virConnectPtr handle() const { return handle_; }
  uint32_t id() const { return id_; }
  Instance& instance() const { return *instance_; }

  // Called by tasks. libvirt knows a callback once a connection, however many want to hear its events.
  void Subscribe();
  void Unsubscribe();

 private:
  void Release();

  const std::shared_ptr<Instance> instance_;
  const uint32_t id_;
  const std::string uri_;
  const std::shared_ptr<Pool> pool_;
  virConnectPtr handle_ = nullptr;
  std::mutex subscribing_;
  std::shared_ptr<Subscription> subscription_;
  size_t subscribers_ = 0;
};

// Attempts to open the same URI that may be under way in this process. An attempt hangs as long as its daemon
// does, and nothing can end it.
inline constexpr int kOpeningPerUri = 32;

}  // namespace secovia
