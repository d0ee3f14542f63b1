#include "pool.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>

namespace secovia {

std::optional<Failure> Pool::Submit(std::shared_ptr<Task> task) {
  Lock lock(mutex_);
  if (closed_) return refusal_;
  if (stuck_ >= kStuckThreads) {
    return Failure::Own(VIR_ERR_RESOURCE_BUSY, std::to_string(stuck_) +
                                                   " calls of this connection hang in libvirt; close it and open "
                                                   "another when the daemon answers again");
  }
  if (waiting_.size() >= kWaitingCalls) {
    return Failure::Own(VIR_ERR_RESOURCE_BUSY,
                        std::to_string(waiting_.size()) + " calls of this connection already wait for a thread");
  }
  if (waiting_.size() >= idle_ && serving_ < kServingThreads && !StartThread() && serving_ == 0) {
    return Failure::Own(VIR_ERR_RESOURCE_BUSY, "the system gives no more threads");
  }
  waiting_.push_back(task);
  Watch(task);
  wake_.notify_one();
  return std::nullopt;
}

void Pool::Close(Failure refusal, std::function<void()> finale, std::shared_ptr<Task> task) {
  std::list<std::shared_ptr<Task>> refused;
  {
    Lock lock(mutex_);
    if (closed_) return;
    closed_ = true;
    refusal_ = std::move(refusal);
    finale_ = std::move(finale);
    closing_ = std::move(task);
    if (closing_) Watch(closing_);
    refused.swap(waiting_);
    for (auto& other : refused) {
      other->state = Task::State::answered;
      other->outcome = *refusal_;
    }
    // With no thread to be had, the connection stays open until the process ends.
    if (serving_ + stuck_ == 0) StartThread();
    wake_.notify_all();
  }
  for (auto& other : refused) {
    deadlines_.Remove(*other);
    answer_(other);
  }
}

bool Pool::StartThread() {
  try {
    ledger_.Started();
    std::thread([self = shared_from_this()] { self->Serve(); }).detach();
  } catch (const std::system_error&) {
    ledger_.Ended();
    return false;
  }
  ++serving_;
  return true;
}

void Pool::Watch(const std::shared_ptr<Task>& task) {
  deadlines_.Add(*task, [self = shared_from_this(), task] { self->Expire(task); });
}

void Pool::Serve() {
  BlockSignals();
  YieldToJavaScript();
  pthread_setname_np(pthread_self(), "virt-call");
  Lock lock(mutex_);
  while (serving_ <= kServingThreads) {
    if (!waiting_.empty()) {
      auto task = std::move(waiting_.front());
      waiting_.pop_front();
      Run(task, lock);
    } else if (closed_) {
      if (running_ == 0) Finish(lock);
      break;
    } else {
      ++idle_;
      const bool called = wake_.wait_for(lock, kIdleThreadLife, [this] { return closed_ || !waiting_.empty(); });
      --idle_;
      if (!called) break;
    }
  }
  --serving_;
  lock.unlock();
  ledger_.Ended();
}

void Pool::Run(const std::shared_ptr<Task>& task, Lock& lock) {
  task->state = Task::State::running;
  ++running_;
  lock.unlock();

  std::variant<Value, Failure> outcome;
  try {
    outcome = task->work();
  } catch (const Failure& failure) {
    outcome = failure;
  } catch (const std::exception& error) {
    outcome = Failure::Own(VIR_ERR_INTERNAL_ERROR, error.what());
  }

  lock.lock();
  if (task->state == Task::State::expired) {
    --stuck_;
    ++serving_;
    lock.unlock();
    ledger_.Stuck(-1);
    if (task->undo && std::holds_alternative<Value>(outcome)) task->undo();
  } else {
    task->state = Task::State::answered;
    task->outcome = std::move(outcome);
    lock.unlock();
    deadlines_.Remove(*task);
    answer_(task);
  }
  lock.lock();
  --running_;
}

void Pool::Finish(Lock& lock) {
  if (!finale_) return;
  const auto finale = std::exchange(finale_, nullptr);
  lock.unlock();
  finale();
  lock.lock();
  const auto task = std::exchange(closing_, nullptr);
  if (!task || task->state != Task::State::waiting) return;
  task->state = Task::State::answered;
  lock.unlock();
  deadlines_.Remove(*task);
  answer_(task);
  lock.lock();
}

void Pool::Expire(const std::shared_ptr<Task>& task) {
  {
    Lock lock(mutex_);
    if (task->state == Task::State::running) {
      ++stuck_;
      --serving_;
      ledger_.Stuck(+1);
      if (!waiting_.empty() && idle_ == 0) StartThread();
    } else if (task->state == Task::State::waiting) {
      // The oldest stand in front and expire first; a closing task is in no list.
      const auto found = std::find(waiting_.begin(), waiting_.end(), task);
      if (found != waiting_.end()) waiting_.erase(found);
    } else {
      return;
    }
    task->state = Task::State::expired;
    task->outcome = Failure::Own(
        kDeadlineCode, "no answer from libvirt within " + std::to_string(task->allowed.count()) +
                           " ms; what was asked may still be carried out");
  }
  answer_(task);
}

}  // namespace secovia
