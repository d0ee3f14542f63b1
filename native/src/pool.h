// The threads of one connection. Each connection has its own, so that calls which hang on one daemon leave
// every other connection and libuv's threads alone. A call that passes its deadline keeps its thread (libvirt
// cannot be interrupted); the thread is then counted as stuck and another one serves in its place.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "deadlines.h"
#include "mailbox.h"
#include "task.h"
#include "threads.h"

namespace secovia {

// Calls of one connection that run at the same time. libvirtd itself answers 5 at a time unless told otherwise.
inline constexpr size_t kServingThreads = 16;
// Calls of one connection that may hang beyond their deadline before it takes no more.
inline constexpr size_t kStuckThreads = 64;
// Calls of one connection that may wait for a thread.
inline constexpr size_t kWaitingCalls = 10'000;
inline constexpr std::chrono::seconds kIdleThreadLife{30};

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  using Answer = std::function<void(std::shared_ptr<Task>)>;

  // `answer` is called once for each submitted task, on any thread, when its outcome is known.
  Pool(Deadlines& deadlines, ThreadLedger& ledger, Answer answer)
      : deadlines_(deadlines), ledger_(ledger), answer_(std::move(answer)) {}

  // Why the task is not taken, or nothing. A task that is not taken is not answered.
  std::optional<Failure> Submit(std::shared_ptr<Task> task);

  // Takes no more tasks, answers the waiting ones with `refusal`, and runs `finale` once, on a thread of the
  // pool, when the last running call has come back. `task`, when given, is answered after that; its deadline
  // passing does not stop the finale. Only the first Close counts.
  void Close(Failure refusal, std::function<void()> finale, std::shared_ptr<Task> task);

 private:
  using Lock = std::unique_lock<std::mutex>;

  bool StartThread();
  void Serve();
  void Run(const std::shared_ptr<Task>& task, Lock& lock);
  void Finish(Lock& lock);
  void Expire(const std::shared_ptr<Task>& task);
  void Watch(const std::shared_ptr<Task>& task);

  Deadlines& deadlines_;
  ThreadLedger& ledger_;
  const Answer answer_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<std::shared_ptr<Task>> waiting_;
  size_t idle_ = 0;
  // Threads that are not stuck, and threads that are.
  size_t serving_ = 0;
  size_t stuck_ = 0;
  size_t running_ = 0;
  bool closed_ = false;
  std::optional<Failure> refusal_;
  std::function<void()> finale_;
  std::shared_ptr<Task> closing_;
};

}  // namespace secovia
