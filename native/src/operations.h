// The tables of what can be asked of a connection: one line an operation, one file a topic.
// An operation reads its arguments on the JavaScript thread and returns the work for a worker thread.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "args.h"
#include "connection.h"
#include "value.h"

namespace secovia {

struct Call {
  using Work = std::function<Value(Connection&)>;
  using Undo = std::function<void(Connection&)>;

  Call(Work work, Undo undo = nullptr) : work(std::move(work)), undo(std::move(undo)) {}

  Work work;
  // Takes back a success that came after the deadline, where it would leave something behind.
  Undo undo;
};

inline constexpr std::chrono::seconds kUsualDeadline{15};

struct Operation {
  const char* name;
  Call (*prepare)(Args&);
  std::chrono::milliseconds deadline = kUsualDeadline;
};

extern const std::vector<Operation> kHostOperations;
extern const std::vector<Operation> kDomainOperations;
extern const std::vector<Operation> kDomainConfigOperations;
extern const std::vector<Operation> kMigrationOperations;
extern const std::vector<Operation> kStorageOperations;
extern const std::vector<Operation> kEventOperations;

}  // namespace secovia
