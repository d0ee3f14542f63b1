#include "args.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace secovia {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991;
// Longer texts are refused before they are copied; libvirt's own limit for a string on the wire is lower.
constexpr size_t kMaxTextBytes = 16 * 1024 * 1024;
constexpr size_t kMaxElements = 4096;

[[noreturn]] void Refuse(Napi::Env env, const std::string& name, const char* expected) {
  throw Napi::TypeError::New(env, name + " must be " + expected);
}

bool IsGiven(const Napi::Value& value) { return !value.IsUndefined(); }

std::string AsText(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) Refuse(value.Env(), name, "a string");
  size_t bytes = 0;
  napi_get_value_string_utf8(value.Env(), value, nullptr, 0, &bytes);
  if (bytes > kMaxTextBytes) Refuse(value.Env(), name, "at most 16 MiB long");
  std::string text = value.As<Napi::String>();
  if (text.find('\0') != std::string::npos) Refuse(value.Env(), name, "free of NUL characters");
  return text;
}

bool AsBool(const Napi::Value& value, const std::string& name) {
  if (!value.IsBoolean()) Refuse(value.Env(), name, "a boolean");
  return value.As<Napi::Boolean>();
}

double AsInteger(const Napi::Value& value, const std::string& name, double low, double high, const char* expected) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= low && number <= high) || std::trunc(number) != number) Refuse(value.Env(), name, expected);
  return number;
}

uint32_t AsUInt(const Napi::Value& value, const std::string& name, uint32_t high = UINT32_MAX) {
  const std::string expected = "an integer from 0 to " + std::to_string(high);
  return static_cast<uint32_t>(AsInteger(value, name, 0, high, expected.c_str()));
}

uint64_t AsBigUInt(const Napi::Value& value, const std::string& name) {
  bool lossless = false;
  const uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) Refuse(value.Env(), name, "a bigint from 0 to 2^64 - 1");
  return number;
}

// A plain object, or nothing. Arrays and functions are objects too, but never meant as one here.
Napi::Value AsRecord(const Napi::Value& value, const std::string& name) {
  if (IsGiven(value) && (!value.IsObject() || value.IsArray() || value.IsFunction())) {
    Refuse(value.Env(), name, "an object");
  }
  return value;
}

Given AsGiven(const Napi::Value& value, const std::string& name) {
  if (value.IsBoolean()) return static_cast<bool>(value.As<Napi::Boolean>());
  if (value.IsBigInt()) return AsBigUInt(value, name);
  if (value.IsString()) return AsText(value, name);
  if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
  if (!value.IsArray()) Refuse(value.Env(), name, "a number, bigint, boolean, string, or array of strings");
  const auto array = value.As<Napi::Array>();
  if (array.Length() > kMaxElements) Refuse(value.Env(), name, "an array of at most 4096 strings");
  std::vector<std::string> texts;
  for (uint32_t index = 0; index < array.Length(); ++index) texts.push_back(AsText(array.Get(index), name));
  return texts;
}

}  // namespace

Options::Options(Napi::Value value, std::string name, std::initializer_list<const char*> known)
    : value_(AsRecord(value, name)), name_(std::move(name)) {
  if (!IsGiven(value_)) return;
  const Napi::Array keys = value_.As<Napi::Object>().GetPropertyNames();
  for (uint32_t index = 0; index < keys.Length(); ++index) {
    const std::string key = Napi::Value(keys[index]).ToString();
    const auto same = [&key](const char* other) { return key == other; };
    if (!std::any_of(known.begin(), known.end(), same)) Refuse(value_.Env(), name_, ("without a key " + key).c_str());
  }
}

Napi::Value Options::Get(const char* key) const {
  return IsGiven(value_) ? value_.As<Napi::Object>().Get(key) : value_;
}

std::optional<bool> Options::Bool(const char* key) const {
  const Napi::Value value = Get(key);
  if (!IsGiven(value)) return std::nullopt;
  return AsBool(value, Path(key));
}

std::optional<std::string> Options::Text(const char* key) const {
  const Napi::Value value = Get(key);
  if (!IsGiven(value)) return std::nullopt;
  return AsText(value, Path(key));
}

std::optional<uint32_t> Options::UInt(const char* key, uint32_t high) const {
  const Napi::Value value = Get(key);
  if (!IsGiven(value)) return std::nullopt;
  return AsUInt(value, Path(key), high);
}

std::string Args::Text(const char* name) { return AsText(Next(), name); }

std::optional<std::string> Args::TextOrNull(const char* name) {
  const Napi::Value value = Next();
  if (value.IsNull()) return std::nullopt;
  if (!value.IsString()) Refuse(Env(), name, "a string or null");
  return AsText(value, name);
}

bool Args::Bool(const char* name) { return AsBool(Next(), name); }

int Args::Int(const char* name) {
  using Limits = std::numeric_limits<int>;
  return static_cast<int>(AsInteger(Next(), name, Limits::min(), Limits::max(), "a 32-bit integer"));
}

uint32_t Args::UInt(const char* name) { return AsUInt(Next(), name); }

uint64_t Args::ULong(const char* name) {
  const Napi::Value value = Next();
  if (value.IsBigInt()) return AsBigUInt(value, name);
  return static_cast<uint64_t>(
      AsInteger(value, name, 0, kMaxSafeInteger, "an integer from 0 to 2^53 - 1, or a bigint"));
}

std::vector<unsigned> Args::UInts(const char* name, uint32_t high) {
  const Napi::Value value = Next();
  if (!value.IsArray()) Refuse(Env(), name, "an array of integers");
  const auto array = value.As<Napi::Array>();
  if (array.Length() > kMaxElements) Refuse(Env(), name, "an array of at most 4096 integers");
  std::vector<unsigned> numbers;
  for (uint32_t index = 0; index < array.Length(); ++index) numbers.push_back(AsUInt(array.Get(index), name, high));
  return numbers;
}

Options Args::Object(const char* name, std::initializer_list<const char*> known) {
  return Options(Next(), name, known);
}

unsigned Args::Flags(const char* name, std::initializer_list<Flag> flags) {
  const Napi::Value value = AsRecord(Next(), name);
  if (!IsGiven(value)) return 0;
  const auto object = value.As<Napi::Object>();
  const Napi::Array keys = object.GetPropertyNames();
  unsigned bits = 0;
  for (uint32_t index = 0; index < keys.Length(); ++index) {
    const Napi::Value keyValue = keys[index];
    const std::string key = keyValue.ToString();
    const auto flag = std::find_if(flags.begin(), flags.end(), [&key](const Flag& each) { return key == each.key; });
    if (flag == flags.end()) Refuse(Env(), name, ("without a key " + key).c_str());
    const Napi::Value given = object.Get(keyValue);
    if (IsGiven(given) && AsBool(given, std::string(name) + "." + key)) bits |= flag->bit;
  }
  return bits;
}

unsigned Args::Word(const char* name, std::initializer_list<Flag> words) {
  const Napi::Value value = Next();
  if (!IsGiven(value)) return words.begin()->bit;
  const std::string given = value.IsString() ? AsText(value, name) : std::string();
  std::string expected = "one of";
  for (const Flag& word : words) {
    if (given == word.key) return word.bit;
    expected += std::string(" ") + word.key;
  }
  Refuse(Env(), name, expected.c_str());
}

std::vector<std::pair<std::string, Given>> Args::Parameters(const char* name) {
  std::vector<std::pair<std::string, Given>> parameters;
  const Napi::Value value = AsRecord(Next(), name);
  if (!IsGiven(value)) return parameters;
  const auto object = value.As<Napi::Object>();
  const Napi::Array keys = object.GetPropertyNames();
  for (uint32_t index = 0; index < keys.Length(); ++index) {
    const Napi::Value keyValue = keys[index];
    const std::string key = AsText(keyValue.ToString(), name);
    const Napi::Value given = object.Get(keyValue);
    if (IsGiven(given)) parameters.emplace_back(key, AsGiven(given, std::string(name) + "." + key));
  }
  return parameters;
}

std::chrono::milliseconds Args::Deadline(std::chrono::milliseconds otherwise) {
  const Napi::Value options = AsRecord(Next(), "options");
  if (!IsGiven(options)) return otherwise;
  const Napi::Value given = options.As<Napi::Object>().Get("deadlineMs");
  if (!IsGiven(given)) return otherwise;
  return std::chrono::milliseconds(static_cast<int64_t>(
      AsInteger(given, "options.deadlineMs", 1, std::numeric_limits<int32_t>::max(), "an integer from 1 to 2147483647")));
}

}  // namespace secovia
