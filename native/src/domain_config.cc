// What a domain is and how much it uses: its XML, its metadata, its vCPUs and memory, and statistics.

#include <algorithm>
#include <memory>

#include "domain.h"
#include "operations.h"
#include "typed_params.h"

namespace secovia {
namespace {

// libvirt's own limit is the length of a map; no machine has more.
constexpr unsigned kHighestCpu = 16383;

using Stats = std::unique_ptr<virDomainStatsRecordPtr, Releaser<virDomainStatsRecordListFree>>;

Call DomainXml(Args& args) {
  std::string uuid = args.Text("uuid");
  const unsigned flags =
      args.Flags("flags", {{"inactive", VIR_DOMAIN_XML_INACTIVE}, {"secure", VIR_DOMAIN_XML_SECURE}});
  return {[uuid = std::move(uuid), flags](Connection& connection) -> Value {
    return TakeText(virDomainGetXMLDesc(FindDomain(connection, uuid).get(), flags));
  }};
}

Call DomainGetMetadata(Args& args) {
  std::string uuid = args.Text("uuid");
  std::string uri = args.Text("namespaceUri");
  return {[uuid = std::move(uuid), uri = std::move(uri)](Connection& connection) -> Value {
    const Domain domain = FindDomain(connection, uuid);
    try {
      return TakeText(
          virDomainGetMetadata(domain.get(), VIR_DOMAIN_METADATA_ELEMENT, uri.c_str(), VIR_DOMAIN_AFFECT_CURRENT));
    } catch (const Failure& failure) {
      if (failure.code == VIR_ERR_NO_DOMAIN_METADATA) return Null();
      throw;
    }
  }};
}

// The definition that outlives a stop, and the running copy where there is one.
unsigned WhereverItIs(virDomainPtr domain) {
  unsigned flags = 0;
  if (Check(virDomainIsActive(domain)) == 1) flags |= VIR_DOMAIN_AFFECT_LIVE;
  if (Check(virDomainIsPersistent(domain)) == 1) flags |= VIR_DOMAIN_AFFECT_CONFIG;
  return flags;
}

Call DomainSetMetadata(Args& args) {
  std::string uuid = args.Text("uuid");
  std::string uri = args.Text("namespaceUri");
  std::string prefix = args.Text("prefix");
  std::optional<std::string> xml = args.TextOrNull("xml");
  return {[uuid, uri, prefix, xml](Connection& connection) -> Value {
    const Domain domain = FindDomain(connection, uuid);
    const auto set = [&](unsigned where) {
      return virDomainSetMetadata(domain.get(), VIR_DOMAIN_METADATA_ELEMENT, xml ? xml->c_str() : nullptr,
                                  prefix.c_str(), uri.c_str(), where);
    };
    const unsigned where = WhereverItIs(domain.get());
    if (set(where) == 0) return {};
    const Failure failure = Failure::Last();
    // The domain may have stopped or started since it was asked: then the answer differs, and one more try is due.
    if (failure.code != VIR_ERR_OPERATION_INVALID || WhereverItIs(domain.get()) == where) throw failure;
    Check(set(WhereverItIs(domain.get())));
    return {};
  }};
}

Call DomainSetVcpus(Args& args) {
  std::string uuid = args.Text("uuid");
  const uint32_t count = args.UInt("count");
  const unsigned flags = args.Flags("flags", {{"live", VIR_DOMAIN_VCPU_LIVE},
                                              {"config", VIR_DOMAIN_VCPU_CONFIG},
                                              {"maximum", VIR_DOMAIN_VCPU_MAXIMUM}});
  return {[uuid, count, flags](Connection& connection) -> Value {
    Check(virDomainSetVcpusFlags(FindDomain(connection, uuid).get(), count, flags));
    return {};
  }};
}

Call DomainSetMemoryKib(Args& args) {
  std::string uuid = args.Text("uuid");
  const uint64_t kib = args.ULong("kib");
  const unsigned flags = args.Flags("flags", {{"live", VIR_DOMAIN_MEM_LIVE},
                                              {"config", VIR_DOMAIN_MEM_CONFIG},
                                              {"maximum", VIR_DOMAIN_MEM_MAXIMUM}});
  return {[uuid, kib, flags](Connection& connection) -> Value {
    Check(virDomainSetMemoryFlags(FindDomain(connection, uuid).get(), kib, flags));
    return {};
  }};
}

// A disk is named by its target (`vda`) or by the path of its file.
Call DomainBlockInfo(Args& args) {
  std::string uuid = args.Text("uuid");
  std::string disk = args.Text("disk");
  return {[uuid = std::move(uuid), disk = std::move(disk)](Connection& connection) -> Value {
    virDomainBlockInfo info;
    Check(virDomainGetBlockInfo(FindDomain(connection, uuid).get(), disk.c_str(), &info, 0));
    return Record{{"capacityBytes", info.capacity},
                  {"allocationBytes", info.allocation},
                  {"physicalBytes", info.physical}};
  }};
}

Call DomainBlockResize(Args& args) {
  std::string uuid = args.Text("uuid");
  std::string disk = args.Text("disk");
  const uint64_t bytes = args.ULong("capacityBytes");
  return {[uuid = std::move(uuid), disk = std::move(disk), bytes](Connection& connection) -> Value {
    // Without the flag libvirt counts in KiB.
    Check(virDomainBlockResize(FindDomain(connection, uuid).get(), disk.c_str(), bytes, VIR_DOMAIN_BLOCK_RESIZE_BYTES));
    return {};
  }};
}

// Where libvirt counts the CPUs of the host from 0, one bit each.
std::vector<unsigned char> CpuMap(const std::vector<unsigned>& cpus) {
  const unsigned highest = cpus.empty() ? 0 : *std::max_element(cpus.begin(), cpus.end());
  std::vector<unsigned char> map(VIR_CPU_MAPLEN(highest + 1));
  for (const unsigned cpu : cpus) VIR_USE_CPU(map.data(), cpu);
  return map;
}

// Of the running copy and the definition those that can have this vCPU: a definition that is newer may have more or fewer.
unsigned WhereverVcpuIs(virDomainPtr domain, uint32_t vcpu) {
  const unsigned all = WhereverItIs(domain);
  unsigned some = 0;
  for (const unsigned where : {unsigned(VIR_DOMAIN_AFFECT_LIVE), unsigned(VIR_DOMAIN_AFFECT_CONFIG)}) {
    if ((all & where) == 0) continue;
    const int most = Check(virDomainGetVcpusFlags(domain, VIR_DOMAIN_VCPU_MAXIMUM | where));
    if (vcpu < static_cast<uint32_t>(most)) some |= where;
  }
  // libvirt says itself that there is no such vCPU.
  return some == 0 ? all : some;
}

Call DomainPinVcpu(Args& args) {
  std::string uuid = args.Text("uuid");
  const uint32_t vcpu = args.UInt("vcpu");
  std::vector<unsigned char> map = CpuMap(args.UInts("cpus", kHighestCpu));
  return {[uuid = std::move(uuid), vcpu, map = std::move(map)](Connection& connection) mutable -> Value {
    const Domain domain = FindDomain(connection, uuid);
    Check(virDomainPinVcpuFlags(domain.get(), vcpu, map.data(), static_cast<int>(map.size()),
                                WhereverVcpuIs(domain.get(), vcpu)));
    return {};
  }};
}

Call DomainPinEmulator(Args& args) {
  std::string uuid = args.Text("uuid");
  std::vector<unsigned char> map = CpuMap(args.UInts("cpus", kHighestCpu));
  return {[uuid = std::move(uuid), map = std::move(map)](Connection& connection) mutable -> Value {
    const Domain domain = FindDomain(connection, uuid);
    Check(virDomainPinEmulator(domain.get(), map.data(), static_cast<int>(map.size()), WhereverItIs(domain.get())));
    return {};
  }};
}

Call AllDomainStats(Args& args) {
  const uint32_t groups = args.Object("query", {"groups"}).UInt("groups").value_or(0);
  return {[groups](Connection& connection) -> Value {
    virDomainStatsRecordPtr* raw = nullptr;
    // NOWAIT always: without it one frozen guest holds up the statistics of all the others.
    const int count = Check(
        virConnectGetAllDomainStats(connection.handle(), groups, &raw, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT));
    const Stats owner(raw);
    List list;
    list.reserve(count);
    for (int index = 0; index < count; ++index) {
      const virDomainStatsRecordPtr record = raw[index];
      char uuid[VIR_UUID_STRING_BUFLEN] = "";
      Check(virDomainGetUUIDString(record->dom, uuid));
      list.emplace_back(Record{{"name", Need(virDomainGetName(record->dom))},
                               {"uuid", uuid},
                               {"values", FromTypedParams(record->params, record->nparams)}});
    }
    return list;
  }};
}

}  // namespace

const std::vector<Operation> kDomainConfigOperations = {
    {"domainXml", DomainXml},
    {"domainGetMetadata", DomainGetMetadata},
    {"domainSetMetadata", DomainSetMetadata},
    {"domainSetVcpus", DomainSetVcpus},
    {"domainSetMemoryKib", DomainSetMemoryKib},
    {"domainBlockInfo", DomainBlockInfo},
    {"domainBlockResize", DomainBlockResize},
    {"domainPinVcpu", DomainPinVcpu},
    {"domainPinEmulator", DomainPinEmulator},
    {"allDomainStats", AllDomainStats},
};

}  // namespace secovia
