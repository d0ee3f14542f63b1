// The host behind a connection: versions, capabilities, memory and pages of its NUMA cells.

#include "handles.h"
#include "operations.h"

namespace secovia {
namespace {

// More cells than any host has; only keeps an absurd number from becoming an absurd allocation.
constexpr int kMaxCells = 65'536;

const char* OrNull(const std::optional<std::string>& text) { return text ? text->c_str() : nullptr; }

void RefuseCells(Args& args, bool absurd) {
  if (absurd) throw Napi::TypeError::New(args.Env(), "the number of cells must be from 1 to 65536, and of sizes at least 1");
}

Call IsAlive(Args&) {
  return {[](Connection& connection) -> Value { return Check(virConnectIsAlive(connection.handle())) == 1; }};
}

Call Hostname(Args&) {
  return {[](Connection& connection) -> Value { return TakeText(virConnectGetHostname(connection.handle())); }};
}

Call LibVersion(Args&) {
  return {[](Connection& connection) -> Value {
    unsigned long version = 0;
    Check(virConnectGetLibVersion(connection.handle(), &version));
    return version;
  }};
}

Call HypervisorVersion(Args&) {
  return {[](Connection& connection) -> Value {
    unsigned long version = 0;
    Check(virConnectGetVersion(connection.handle(), &version));
    return version;
  }};
}

Call Capabilities(Args&) {
  return {[](Connection& connection) -> Value { return TakeText(virConnectGetCapabilities(connection.handle())); }};
}

Call DomainCapabilities(Args& args) {
  const Options query = args.Object("query", {"emulator", "arch", "machine", "virtType"});
  return {[emulator = query.Text("emulator"), arch = query.Text("arch"), machine = query.Text("machine"),
           virtType = query.Text("virtType")](Connection& connection) -> Value {
    return TakeText(virConnectGetDomainCapabilities(connection.handle(), OrNull(emulator), OrNull(arch),
                                                    OrNull(machine), OrNull(virtType), 0));
  }};
}

Call NodeInfo(Args&) {
  return {[](Connection& connection) -> Value {
    virNodeInfo info;
    Check(virNodeGetInfo(connection.handle(), &info));
    return Record{{"model", info.model},     {"memoryKib", info.memory}, {"cpus", info.cpus},
                  {"mhz", info.mhz},         {"nodes", info.nodes},      {"sockets", info.sockets},
                  {"cores", info.cores},     {"threads", info.threads}};
  }};
}

Call FreeMemoryBytes(Args&) {
  return {[](Connection& connection) -> Value {
    const unsigned long long bytes = virNodeGetFreeMemory(connection.handle());
    // 0 is how this function fails.
    if (bytes == 0) throw Failure::Last();
    return bytes;
  }};
}

Call CellsFreeMemoryBytes(Args& args) {
  const int start = args.Int("start");
  const int count = args.Int("count");
  RefuseCells(args, count < 1 || count > kMaxCells);
  return {[start, count](Connection& connection) -> Value {
    std::vector<unsigned long long> free(count);
    free.resize(Check(virNodeGetCellsFreeMemory(connection.handle(), free.data(), start, count)));
    return List(free.begin(), free.end());
  }};
}

Call FreePages(Args& args) {
  const std::vector<unsigned> sizesKib = args.UInts("sizesKib");
  const int start = args.Int("startCell");
  const int count = args.Int("cellCount");
  RefuseCells(args, sizesKib.empty() || count < 1 || count > kMaxCells);
  return {[sizesKib, start, count](Connection& connection) -> Value {
    std::vector<unsigned> sizes = sizesKib;
    // Cell by cell, and within a cell size by size; the function returns how many entries it filled, or 0 (the
    // test driver) when it filled all.
    std::vector<unsigned long long> counts(sizes.size() * count);
    const size_t filled = Check(virNodeGetFreePages(connection.handle(), sizes.size(), sizes.data(), start, count,
                                                    counts.data(), 0));
    if (filled > 0) counts.resize(filled);
    List bySize;
    for (size_t size = 0; size < sizes.size(); ++size) {
      List free;
      for (size_t entry = size; entry < counts.size(); entry += sizes.size()) free.emplace_back(counts[entry]);
      bySize.emplace_back(Record{{"sizeKib", sizes[size]}, {"free", std::move(free)}});
    }
    return bySize;
  }};
}

}  // namespace

const std::vector<Operation> kHostOperations = {
    {"isAlive", IsAlive},
    {"hostname", Hostname},
    {"libVersion", LibVersion},
    {"hypervisorVersion", HypervisorVersion},
    {"capabilities", Capabilities},
    {"domainCapabilities", DomainCapabilities},
    {"nodeInfo", NodeInfo},
    {"freeMemoryBytes", FreeMemoryBytes},
    {"cellsFreeMemoryBytes", CellsFreeMemoryBytes},
    {"freePages", FreePages},
};

}  // namespace secovia
