#include "deadlines.h"

#include "threads.h"

namespace secovia {

Deadlines::Deadlines() : thread_([this] { Watch(); }) {}

void Deadlines::Add(const Task& task, Expire expire) {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  const bool earliest = pending_.empty() || task.deadline < pending_.begin()->first.first;
  pending_.emplace(Key{task.deadline, task.serial}, std::move(expire));
  if (earliest) changed_.notify_one();
}

void Deadlines::Remove(const Task& task) {
  std::lock_guard lock(mutex_);
  pending_.erase(Key{task.deadline, task.serial});
}

void Deadlines::Stop() {
  std::map<Key, Expire> dropped;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    pending_.swap(dropped);
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Deadlines::Watch() {
  BlockSignals();
  pthread_setname_np(pthread_self(), "virt-deadlines");
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (pending_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto first = pending_.begin();
    if (first->first.first > SteadyClock::now()) {
      const auto until = first->first.first;
      changed_.wait_until(lock, until);
      continue;
    }
    const Expire expire = std::move(first->second);
    pending_.erase(first);
    lock.unlock();
    expire();
    lock.lock();
  }
}

}  // namespace secovia
