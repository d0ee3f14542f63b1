// All that belongs to one JavaScript environment (Node's main thread, or one worker thread): its mailbox, the
// clock of its deadlines, its connections. Threads that hang in libvirt may outlive the environment, so the
// instance lives as long as anyone refers to it, and only its way back to JavaScript ends with the environment.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "deadlines.h"
#include "mailbox.h"
#include "task.h"
#include "threads.h"

namespace secovia {

class Connection;

class Instance : public std::enable_shared_from_this<Instance> {
 public:
  static std::shared_ptr<Instance> Attach(Napi::Env env);
  static Instance& Of(Napi::Env env);

  // The promise of a task that is about to be handed to a pool.
  Napi::Promise Begin(Napi::Env env, Task& task);
  // Any thread: the task's outcome is known.
  void Answer(std::shared_ptr<Task> task);
  // Any thread: tells JavaScript something that it did not ask for.
  void Tell(const char* kind, uint32_t id, Value value);
  // The same on the JavaScript thread, at once.
  void TellNow(napi_env env, const char* kind, uint32_t id, const Value& value);

  // The function that `Tell` calls with (kind, id, value). It must not throw.
  void Listen(Napi::Function listener);

  Mailbox mailbox;
  Deadlines deadlines;
  ThreadLedger threads;
  // On the JavaScript thread only.
  std::unordered_map<uint32_t, std::shared_ptr<Connection>> connections;
  // References that libvirt still held when a connection was closed: always 0, unless a handle leaks.
  std::atomic<uint32_t> unreleased{0};
  uint32_t pendingCalls() const { return pending_; }

 private:
  explicit Instance(Napi::Env env) : mailbox(env) {}
  void Settle(napi_env env, Task& task);
  void End();

  Napi::FunctionReference listener_;
  uint32_t pending_ = 0;
  uint64_t lastSerial_ = 0;
};

}  // namespace secovia
