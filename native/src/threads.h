// The threads of this addon: how they start, and how many there are, so that an environment that ends can wait
// for those that will end and leave alone those that hang in libvirt.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace secovia {

// Signals of the process are for Node's own threads; here they would only interrupt libvirt's system calls.
inline void BlockSignals() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF}) sigdelset(&blocked, fault);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

// Lets the JavaScript thread go first where calls use much CPU: answers are of no use while it does not run.
inline void YieldToJavaScript() {
  constexpr int kNice = 5;
  setpriority(PRIO_PROCESS, 0, kNice);  // 0 is the calling thread, on Linux.
}

class ThreadLedger {
 public:
  void Started() {
    std::lock_guard lock(mutex_);
    ++alive_;
  }

  void Ended() {
    std::lock_guard lock(mutex_);
    --alive_;
    changed_.notify_all();
  }

  // A thread whose call passed its deadline (+1), and one that came back from such a call (-1).
  void Stuck(int change) {
    std::lock_guard lock(mutex_);
    stuck_ += change;
    changed_.notify_all();
  }

  // Waits until only stuck threads are left, but never longer than `patience`.
  void WaitForIdle(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return alive_ <= stuck_; });
  }

  int alive() {
    std::lock_guard lock(mutex_);
    return alive_;
  }

  int stuck() {
    std::lock_guard lock(mutex_);
    return stuck_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int alive_ = 0;
  int stuck_ = 0;
};

}  // namespace secovia
