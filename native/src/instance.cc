#include "instance.h"

#include <vector>

#include "connection.h"

namespace secovia {
namespace {

// How long the end of an environment waits for calls that are on their way and connections that close.
constexpr std::chrono::milliseconds kFarewell{300};

using Holder = std::shared_ptr<Instance>;

}  // namespace

std::shared_ptr<Instance> Instance::Attach(Napi::Env env) {
  std::shared_ptr<Instance> instance(new Instance(env));
  env.SetInstanceData(new Holder(instance));
  // Registered after the mailbox made its thread-safe function, so it runs before Node tears that down.
  env.AddCleanupHook([instance] { instance->End(); });
  return instance;
}

Instance& Instance::Of(Napi::Env env) { return **env.GetInstanceData<Holder>(); }

Napi::Promise Instance::Begin(Napi::Env env, Task& task) {
  task.serial = ++lastSerial_;
  task.deadline = SteadyClock::now() + task.allowed;
  napi_value promise = nullptr;
  const napi_status status = napi_create_promise(env, &task.promise, &promise);
  NAPI_THROW_IF_FAILED(env, status, Napi::Promise(env, nullptr));
  if (pending_++ == 0) mailbox.KeepAlive(true);
  return Napi::Promise(env, promise);
}

void Instance::Answer(std::shared_ptr<Task> task) {
  mailbox.Post([this, self = weak_from_this(), task](napi_env env) {
    if (const auto alive = self.lock()) Settle(env, *task);
  });
}

void Instance::Settle(napi_env env, Task& task) {
  if (--pending_ == 0) mailbox.KeepAlive(false);
  const auto* failure = std::get_if<Failure>(&task.outcome);
  if (task.settling) task.settling(failure == nullptr);
  if (failure != nullptr) {
    const Value reason = Record{{"code", failure->code},
                                {"domain", failure->domain},
                                {"level", failure->level},
                                {"message", failure->message}};
    napi_reject_deferred(env, task.promise, ToJs(env, reason));
  } else {
    napi_resolve_deferred(env, task.promise, ToJs(env, std::get<Value>(task.outcome)));
  }
}

void Instance::Tell(const char* kind, uint32_t id, Value value) {
  mailbox.Post([self = weak_from_this(), kind, id, value = std::move(value)](napi_env env) {
    if (const auto alive = self.lock()) alive->TellNow(env, kind, id, value);
  });
}

void Instance::TellNow(napi_env env, const char* kind, uint32_t id, const Value& value) {
  if (listener_.IsEmpty()) return;
  napi_value self = nullptr;
  napi_value function = listener_.Value();
  napi_value arguments[] = {ToJs(env, kind), ToJs(env, id), ToJs(env, value)};
  if (napi_get_undefined(env, &self) == napi_ok) napi_call_function(env, self, function, 3, arguments, nullptr);
}

void Instance::Listen(Napi::Function listener) { listener_ = Napi::Persistent(listener); }

void Instance::End() {
  mailbox.Close();
  deadlines.Stop();
  listener_.Reset();
  for (auto& [id, connection] : connections) connection->Close(nullptr);
  connections.clear();
  threads.WaitForIdle(kFarewell);
}

}  // namespace secovia
