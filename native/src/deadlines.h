// A thread that knows when each call's time is up, so that a promise settles even when every worker hangs.
// It never calls into libvirt, and can therefore always be joined.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "task.h"

namespace secovia {

class Deadlines {
 public:
  // Called on this thread, without its lock.
  using Expire = std::function<void()>;

  Deadlines();
  ~Deadlines() { Stop(); }

  void Add(const Task& task, Expire expire);
  void Remove(const Task& task);
  // Joins the thread; nothing expires afterwards.
  void Stop();

 private:
  using Key = std::pair<SteadyClock::time_point, uint64_t>;
  void Watch();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, Expire> pending_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace secovia
