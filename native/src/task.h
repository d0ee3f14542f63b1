// One call into libvirt on its way: what JavaScript asked, where it stands, and what came of it.
#pragma once

#include <node_api.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include "error.h"
#include "value.h"

namespace secovia {

using SteadyClock = std::chrono::steady_clock;

struct Task {
  // What became of the promise. Changed under the pool's lock; exactly one change leaves `waiting` or `running`,
  // and whoever makes it posts the answer.
  enum class State { waiting, running, answered, expired };

  std::chrono::milliseconds allowed{0};
  SteadyClock::time_point deadline;
  uint64_t serial = 0;

  // Runs on a worker thread; throws a Failure.
  std::function<Value()> work;
  // Takes back a success that nobody waits for any more. Runs on the worker thread.
  std::function<void()> undo;
  // Runs on the JavaScript thread just before the promise settles.
  std::function<void(bool succeeded)> settling;

  State state = State::waiting;
  std::variant<Value, Failure> outcome;

  // Touched on the JavaScript thread only.
  napi_deferred promise = nullptr;
};

}  // namespace secovia
