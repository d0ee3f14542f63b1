// What JavaScript sees of the addon: `open`, `close`, `listen`, `counters`, `version`, `watchdog` (watchdog.cc), and one function
// for each operation of the tables, called as (connection, options, ...arguments) and returning a promise.
// Wrong arguments throw a TypeError at once; everything that libvirt says comes through the promise.

#include <napi.h>

#include <map>
#include <mutex>

#include "connection.h"
#include "instance.h"
#include "operations.h"
#include "watchdog.h"

namespace secovia {
namespace {

// A day. libvirt takes the seconds as a signed number, of which negative ones would switch keepalive off.
constexpr uint32_t kMaxKeepaliveS = 86'400;

// Attempts to open a URI that are under way, across all environments of the process. Never destroyed: threads
// that hang may outlive everything.
class Attempts {
 public:
  static Attempts& All() {
    static auto* all = new Attempts();
    return *all;
  }

  bool Begin(const std::string& uri) {
    std::lock_guard lock(mutex_);
    int& count = counts_[uri];
    if (count >= kOpeningPerUri) return false;
    ++count;
    return true;
  }

  void End(const std::string& uri) {
    std::lock_guard lock(mutex_);
    const auto found = counts_.find(uri);
    if (--found->second == 0) counts_.erase(found);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> counts_;
};

// Held while an attempt is under way: by its task, so that it ends however the task does.
class Attempt {
 public:
  explicit Attempt(std::string uri) : uri_(std::move(uri)) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() {
    if (begun_) Attempts::All().End(uri_);
  }
  bool Begin() { return begun_ = Attempts::All().Begin(uri_); }

 private:
  const std::string uri_;
  bool begun_ = false;
};

void Fail(Instance& instance, std::shared_ptr<Task> task, Failure failure) {
  task->outcome = std::move(failure);
  instance.Answer(std::move(task));
}

std::shared_ptr<Connection> FindConnection(Instance& instance, uint32_t id) {
  const auto found = instance.connections.find(id);
  return found != instance.connections.end() ? found->second : nullptr;
}

// (connection, options, uri) -> promise that the connection of that number, chosen by the caller, is open.
Napi::Value Open(const Napi::CallbackInfo& info) {
  Instance& instance = Instance::Of(info.Env());
  Args args(info, 0);
  const uint32_t id = args.UInt("connection");
  if (instance.connections.count(id) > 0) throw Napi::TypeError::New(info.Env(), "connection must be a new number");
  auto task = std::make_shared<Task>();
  task->allowed = args.Deadline(kUsualDeadline);
  const std::string uri = args.Text("uri");
  if (uri.empty()) throw Napi::TypeError::New(info.Env(), "uri must not be empty");
  const Options given(info[1], "options", {"deadlineMs", "readOnly", "keepaliveIntervalS", "keepaliveCount"});
  OpenOptions options;
  options.readOnly = given.Bool("readOnly").value_or(options.readOnly);
  options.keepaliveIntervalS = given.UInt("keepaliveIntervalS", kMaxKeepaliveS).value_or(options.keepaliveIntervalS);
  options.keepaliveCount = given.UInt("keepaliveCount").value_or(options.keepaliveCount);

  const Napi::Promise promise = instance.Begin(info.Env(), *task);
  auto attempt = std::make_shared<Attempt>(uri);
  if (!attempt->Begin()) {
    Fail(instance, task,
         Failure::Own(VIR_ERR_RESOURCE_BUSY,
                      std::to_string(kOpeningPerUri) + " attempts to open " + uri + " are still under way"));
    return promise;
  }
  auto connection = std::make_shared<Connection>(instance.shared_from_this(), id, uri);
  instance.connections.emplace(id, connection);
  task->work = [connection, options, attempt]() -> Value {
    connection->Open(options);
    return {};
  };
  // An attempt that failed, or that nobody waits for any more, leaves nothing open once libvirt lets go of it.
  task->settling = [&instance, connection, id](bool succeeded) {
    if (succeeded) return;
    instance.connections.erase(id);
    connection->Close(nullptr);
  };
  if (auto refusal = connection->Submit(task)) Fail(instance, task, *refusal);
  return promise;
}

// (connection, options) -> promise that the handle is released. Closing what is closed is no error.
Napi::Value Close(const Napi::CallbackInfo& info) {
  Instance& instance = Instance::Of(info.Env());
  Args args(info, 0);
  const uint32_t id = args.UInt("connection");
  auto task = std::make_shared<Task>();
  task->allowed = args.Deadline(kUsualDeadline);
  const Napi::Promise promise = instance.Begin(info.Env(), *task);
  if (const auto connection = FindConnection(instance, id)) {
    instance.connections.erase(id);
    connection->Close(task);
  } else {
    instance.Answer(task);
  }
  return promise;
}

Napi::Value Operate(const Napi::CallbackInfo& info) {
  const auto& operation = *static_cast<const Operation*>(info.Data());
  Instance& instance = Instance::Of(info.Env());
  Args args(info, 0);
  const uint32_t id = args.UInt("connection");
  auto task = std::make_shared<Task>();
  task->allowed = args.Deadline(operation.deadline);
  Call call = operation.prepare(args);

  const Napi::Promise promise = instance.Begin(info.Env(), *task);
  const auto connection = FindConnection(instance, id);
  if (!connection) {
    Fail(instance, task, Failure::Own(VIR_ERR_INVALID_CONN, "the connection is closed"));
    return promise;
  }
  task->work = [connection, work = std::move(call.work)] { return work(*connection); };
  if (call.undo) task->undo = [connection, undo = std::move(call.undo)] { undo(*connection); };
  if (auto refusal = connection->Submit(task)) Fail(instance, task, *refusal);
  return promise;
}

Napi::Value Listen(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) throw Napi::TypeError::New(info.Env(), "listener must be a function");
  Instance::Of(info.Env()).Listen(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Value Counters(const Napi::CallbackInfo& info) {
  Instance& instance = Instance::Of(info.Env());
  return Napi::Value(info.Env(), ToJs(info.Env(), Record{{"connections", instance.connections.size()},
                                                         {"pendingCalls", instance.pendingCalls()},
                                                         {"threads", instance.threads.alive()},
                                                         {"stuckThreads", instance.threads.stuck()},
                                                         {"unreleasedReferences", instance.unreleased.load()}}));
}

// Of the library that is loaded, which need not be the one that the addon was compiled with.
Napi::Value Version(const Napi::CallbackInfo& info) {
  unsigned long version = 0;
  if (virGetVersion(&version, nullptr, nullptr) < 0) {
    throw Napi::Error::New(info.Env(), "libvirt does not tell its version");
  }
  return Napi::Number::New(info.Env(), static_cast<double>(version));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Instance::Attach(env);
  exports.Set("open", Napi::Function::New<Open>(env, "open"));
  exports.Set("close", Napi::Function::New<Close>(env, "close"));
  exports.Set("listen", Napi::Function::New<Listen>(env, "listen"));
  exports.Set("counters", Napi::Function::New<Counters>(env, "counters"));
  exports.Set("version", Napi::Function::New<Version>(env, "version"));
  const auto operations = Napi::Object::New(env);
  for (const auto* table : {&kHostOperations, &kDomainOperations, &kDomainConfigOperations, &kMigrationOperations,
                            &kStorageOperations, &kEventOperations}) {
    for (const Operation& operation : *table) {
      void* data = const_cast<Operation*>(&operation);
      operations.Set(operation.name, Napi::Function::New<Operate>(env, operation.name, data));
    }
  }
  exports.Set("operations", operations);
  ExportWatchdog(env, exports);
  return exports;
}

NODE_API_MODULE(secovia_libvirt, Init)

}  // namespace
}  // namespace secovia
