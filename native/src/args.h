// Reads the arguments of a call from JavaScript, one after the other, and refuses what has the wrong type.
// Nothing is converted: a number for a string, a string with NUL, a fraction for an integer is a TypeError.
#pragma once

#include <napi.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace secovia {

// An optional object argument. Keys that it does not know are refused, so that a misspelt flag is not lost.
class Options {
 public:
  Options(Napi::Value value, std::string name, std::initializer_list<const char*> known);

  std::optional<bool> Bool(const char* key) const;
  std::optional<std::string> Text(const char* key) const;
  std::optional<uint32_t> UInt(const char* key, uint32_t high = UINT32_MAX) const;

 private:
  Napi::Value Get(const char* key) const;
  std::string Path(const char* key) const { return name_ + "." + key; }

  Napi::Value value_;
  std::string name_;
};

struct Flag {
  const char* key;
  unsigned bit;
};

// A value for one of libvirt's typed parameters, as it was given.
using Given = std::variant<bool, double, uint64_t, std::string, std::vector<std::string>>;

class Args {
 public:
  Args(const Napi::CallbackInfo& info, size_t first) : info_(info), next_(first) {}

  Napi::Env Env() const { return info_.Env(); }

  std::string Text(const char* name);
  std::optional<std::string> TextOrNull(const char* name);
  bool Bool(const char* name);
  int Int(const char* name);
  uint32_t UInt(const char* name);
  // A number of at most 2^53 - 1, or a bigint.
  uint64_t ULong(const char* name);
  std::vector<unsigned> UInts(const char* name, uint32_t high = UINT32_MAX);
  Options Object(const char* name, std::initializer_list<const char*> known);
  // The bits of those keys of an optional object that are true.
  unsigned Flags(const char* name, std::initializer_list<Flag> flags);
  // The bit of one of a few words, or that of the first when none is given.
  unsigned Word(const char* name, std::initializer_list<Flag> words);
  std::vector<std::pair<std::string, Given>> Parameters(const char* name);
  // `deadlineMs` of an optional object of call options.
  std::chrono::milliseconds Deadline(std::chrono::milliseconds otherwise);

 private:
  Napi::Value Next() { return info_[next_++]; }

  const Napi::CallbackInfo& info_;
  size_t next_;
};

}  // namespace secovia
