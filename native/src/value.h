// The result of a call as plain data: built on a worker thread, where no JavaScript may be touched, and turned
// into JavaScript values later on the thread that owns them.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace secovia {

struct Value;
using Field = std::pair<std::string, Value>;
using List = std::vector<Value>;
using Record = std::vector<Field>;

struct Null {};

struct Value {
  // std::monostate is JavaScript's undefined. Integers become numbers while they are safe, bigints beyond.
  std::variant<std::monostate, Null, bool, int64_t, uint64_t, double, std::string, List, Record> data;

  Value() = default;
  Value(Null null) : data(null) {}
  Value(bool value) : data(value) {}
  Value(int value) : data(static_cast<int64_t>(value)) {}
  Value(long value) : data(static_cast<int64_t>(value)) {}
  Value(long long value) : data(static_cast<int64_t>(value)) {}
  Value(unsigned value) : data(static_cast<uint64_t>(value)) {}
  Value(unsigned long value) : data(static_cast<uint64_t>(value)) {}
  Value(unsigned long long value) : data(static_cast<uint64_t>(value)) {}
  Value(double value) : data(value) {}
  // libvirt's strings may be NULL where it has nothing to say; that is an empty string here.
  Value(const char* value) : data(std::string(value != nullptr ? value : "")) {}
  Value(std::string value) : data(std::move(value)) {}
  Value(List value) : data(std::move(value)) {}
  Value(Record value) : data(std::move(value)) {}
};

// Never throws: while an environment is being torn down Node refuses to make values, and the result is undefined.
napi_value ToJs(napi_env env, const Value& value);

}  // namespace secovia
