#include "events.h"

#include "operations.h"
#include "typed_params.h"

namespace secovia {
namespace {

using Shared = std::shared_ptr<Subscription>;

// Says how many events were dropped since it was last said.
void TellLost(napi_env env, const Shared& subscription) {
  const auto instance = subscription->instance.lock();
  const uint32_t lost = subscription->lost.exchange(0);
  if (instance && lost > 0) {
    instance->TellNow(env, "event", subscription->connection, Record{{"kind", "lost"}, {"count", lost}});
  }
}

void Emit(void* opaque, const char* kind, virDomainPtr domain, Record more) {
  const Shared& subscription = *static_cast<Shared*>(opaque);
  const auto instance = subscription->instance.lock();
  if (!instance) return;
  if (subscription->waiting.load() >= kWaitingEvents) {
    ++subscription->lost;
    // Usually one of the waiting events tells it when its turn has come. If they all went by just now, nobody would.
    if (subscription->waiting.load() < kWaitingEvents) {
      instance->mailbox.Post([subscription](napi_env env) { TellLost(env, subscription); });
    }
    return;
  }
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  virDomainGetUUIDString(domain, uuid);
  Record event{{"kind", kind}, {"name", virDomainGetName(domain)}, {"uuid", uuid}};
  for (Field& field : more) event.push_back(std::move(field));
  ++subscription->waiting;
  instance->mailbox.Post([subscription, event = Value(std::move(event))](napi_env env) {
    --subscription->waiting;
    if (const auto instance = subscription->instance.lock()) {
      instance->TellNow(env, "event", subscription->connection, event);
    }
    TellLost(env, subscription);
  });
}

int OnLifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) {
  Emit(opaque, "lifecycle", domain, {{"event", event}, {"detail", detail}});
  return 0;
}

void OnReboot(virConnectPtr, virDomainPtr domain, void* opaque) { Emit(opaque, "reboot", domain, {}); }

void OnIoError(virConnectPtr, virDomainPtr domain, const char* path, const char* device, int action,
               const char* reason, void* opaque) {
  Emit(opaque, "ioError", domain, {{"path", path}, {"device", device}, {"action", action}, {"reason", reason}});
}

void OnAgentLifecycle(virConnectPtr, virDomainPtr domain, int state, int reason, void* opaque) {
  Emit(opaque, "agentLifecycle", domain, {{"state", state}, {"reason", reason}});
}

void OnJobCompleted(virConnectPtr, virDomainPtr domain, virTypedParameterPtr params, int count, void* opaque) {
  Emit(opaque, "jobCompleted", domain, {{"values", FromTypedParams(params, count)}});
}

void OnMigrationIteration(virConnectPtr, virDomainPtr domain, int iteration, void* opaque) {
  Emit(opaque, "migrationIteration", domain, {{"iteration", iteration}});
}

void FreeOpaque(void* opaque) { delete static_cast<Shared*>(opaque); }

const struct {
  int id;
  virConnectDomainEventGenericCallback callback;
} kEvents[] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(OnLifecycle)},
    {VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(OnReboot)},
    {VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, VIR_DOMAIN_EVENT_CALLBACK(OnIoError)},
    {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(OnAgentLifecycle)},
    {VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_CALLBACK(OnJobCompleted)},
    {VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, VIR_DOMAIN_EVENT_CALLBACK(OnMigrationIteration)},
};

Call Subscribe(Args&) {
  return {[](Connection& connection) -> Value {
            connection.Subscribe();
            return {};
          },
          [](Connection& connection) { connection.Unsubscribe(); }};
}

Call Unsubscribe(Args&) {
  return {[](Connection& connection) -> Value {
    connection.Unsubscribe();
    return {};
  }};
}

}  // namespace

std::shared_ptr<Subscription> Register(Connection& connection) {
  auto subscription = std::make_shared<Subscription>(connection.id(), connection.instance().weak_from_this());
  for (const auto& event : kEvents) {
    auto* opaque = new Shared(subscription);
    const int callback = virConnectDomainEventRegisterAny(connection.handle(), nullptr, event.id, event.callback,
                                                          opaque, FreeOpaque);
    if (callback >= 0) {
      subscription->callbacks.push_back(callback);
      continue;
    }
    const Failure failure = Failure::Last();
    delete opaque;
    Deregister(connection.handle(), *subscription);
    throw failure;
  }
  return subscription;
}

void Deregister(virConnectPtr handle, Subscription& subscription) {
  for (const int callback : subscription.callbacks) virConnectDomainEventDeregisterAny(handle, callback);
  subscription.callbacks.clear();
}

const std::vector<Operation> kEventOperations = {{"subscribe", Subscribe}, {"unsubscribe", Unsubscribe}};

}  // namespace secovia
