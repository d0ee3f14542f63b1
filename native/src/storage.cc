// Storage pools and the volumes in them, both by name.

#include "handles.h"
#include "operations.h"

namespace secovia {
namespace {

StoragePool FindPool(Connection& connection, const std::string& name) {
  return StoragePool(Need(virStoragePoolLookupByName(connection.handle(), name.c_str())));
}

Volume FindVolume(virStoragePoolPtr pool, const std::string& name) {
  return Volume(Need(virStorageVolLookupByName(pool, name.c_str())));
}

Record DescribePool(virStoragePoolPtr pool) {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  Check(virStoragePoolGetUUIDString(pool, uuid));
  virStoragePoolInfo info;
  Check(virStoragePoolGetInfo(pool, &info));
  const bool active = Check(virStoragePoolIsActive(pool)) == 1;
  return {{"name", Need(virStoragePoolGetName(pool))},
          {"uuid", uuid},
          {"state", info.state},
          {"active", active},
          {"capacityBytes", info.capacity},
          {"allocationBytes", info.allocation},
          {"availableBytes", info.available}};
}

Record DescribeVolume(virStorageVolPtr volume) {
  virStorageVolInfo info;
  Check(virStorageVolGetInfo(volume, &info));
  return {{"name", Need(virStorageVolGetName(volume))},
          {"path", TakeText(virStorageVolGetPath(volume))},
          {"type", info.type},
          {"capacityBytes", info.capacity},
          {"allocationBytes", info.allocation}};
}

// Describes each of a list, without those that went away while it was being read.
template <typename Handle, typename Describe>
List DescribeAll(const std::vector<Handle>& handles, Describe describe, int goneCode) {
  List list;
  for (const Handle& handle : handles) {
    try {
      list.emplace_back(describe(handle.get()));
    } catch (const Failure& failure) {
      if (failure.code != goneCode) throw;
    }
  }
  return list;
}

Call Act(std::string name, int (*act)(virStoragePoolPtr)) {
  return {[name = std::move(name), act](Connection& connection) -> Value {
    Check(act(FindPool(connection, name).get()));
    return {};
  }};
}

Call Act(std::string name, int (*act)(virStoragePoolPtr, unsigned), unsigned flags) {
  return {[name = std::move(name), act, flags](Connection& connection) -> Value {
    Check(act(FindPool(connection, name).get(), flags));
    return {};
  }};
}

Call PoolList(Args&) {
  return {[](Connection& connection) -> Value {
    return DescribeAll(TakeList<StoragePool, virStoragePool>([&](virStoragePoolPtr** pools) {
                         return virConnectListAllStoragePools(connection.handle(), pools, 0);
                       }),
                       DescribePool, VIR_ERR_NO_STORAGE_POOL);
  }};
}

Call PoolDefine(Args& args) {
  return {[xml = args.Text("xml")](Connection& connection) -> Value {
    const StoragePool pool(Need(virStoragePoolDefineXML(connection.handle(), xml.c_str(), 0)));
    return DescribePool(pool.get());
  }};
}

Call PoolBuild(Args& args) { return Act(args.Text("pool"), virStoragePoolBuild, 0); }

Call PoolStart(Args& args) { return Act(args.Text("pool"), virStoragePoolCreate, 0); }

Call PoolStop(Args& args) { return Act(args.Text("pool"), virStoragePoolDestroy); }

Call PoolUndefine(Args& args) { return Act(args.Text("pool"), virStoragePoolUndefine); }

Call PoolRefresh(Args& args) { return Act(args.Text("pool"), virStoragePoolRefresh, 0); }

Call PoolInfo(Args& args) {
  return {[name = args.Text("pool")](Connection& connection) -> Value {
    return DescribePool(FindPool(connection, name).get());
  }};
}

Call PoolSetAutostart(Args& args) {
  std::string name = args.Text("pool");
  return {[name = std::move(name), on = args.Bool("on")](Connection& connection) -> Value {
    Check(virStoragePoolSetAutostart(FindPool(connection, name).get(), on ? 1 : 0));
    return {};
  }};
}

Call VolumeList(Args& args) {
  return {[name = args.Text("pool")](Connection& connection) -> Value {
    const StoragePool pool = FindPool(connection, name);
    return DescribeAll(TakeList<Volume, virStorageVol>([&](virStorageVolPtr** volumes) {
                         return virStoragePoolListAllVolumes(pool.get(), volumes, 0);
                       }),
                       DescribeVolume, VIR_ERR_NO_STORAGE_VOL);
  }};
}

Call VolumeCreate(Args& args) {
  std::string name = args.Text("pool");
  std::string xml = args.Text("xml");
  return {[name = std::move(name), xml = std::move(xml)](Connection& connection) -> Value {
    const StoragePool pool = FindPool(connection, name);
    const Volume volume(Need(virStorageVolCreateXML(pool.get(), xml.c_str(), 0)));
    return DescribeVolume(volume.get());
  }};
}

Call VolumeInfo(Args& args) {
  std::string name = args.Text("pool");
  std::string volume = args.Text("volume");
  return {[name = std::move(name), volume = std::move(volume)](Connection& connection) -> Value {
    const StoragePool pool = FindPool(connection, name);
    return DescribeVolume(FindVolume(pool.get(), volume).get());
  }};
}

Call VolumeResize(Args& args) {
  std::string name = args.Text("pool");
  std::string volume = args.Text("volume");
  const uint64_t bytes = args.ULong("capacityBytes");
  const unsigned flags = args.Flags(
      "flags", {{"shrink", VIR_STORAGE_VOL_RESIZE_SHRINK}, {"allocate", VIR_STORAGE_VOL_RESIZE_ALLOCATE}});
  return {[name, volume, bytes, flags](Connection& connection) -> Value {
    const StoragePool pool = FindPool(connection, name);
    Check(virStorageVolResize(FindVolume(pool.get(), volume).get(), bytes, flags));
    return {};
  }};
}

Call VolumeDelete(Args& args) {
  std::string name = args.Text("pool");
  std::string volume = args.Text("volume");
  return {[name = std::move(name), volume = std::move(volume)](Connection& connection) -> Value {
    const StoragePool pool = FindPool(connection, name);
    Check(virStorageVolDelete(FindVolume(pool.get(), volume).get(), 0));
    return {};
  }};
}

}  // namespace

const std::vector<Operation> kStorageOperations = {
    {"poolList", PoolList},
    {"poolDefine", PoolDefine},
    {"poolBuild", PoolBuild},
    {"poolStart", PoolStart},
    {"poolStop", PoolStop},
    {"poolUndefine", PoolUndefine},
    {"poolRefresh", PoolRefresh},
    {"poolInfo", PoolInfo},
    {"poolSetAutostart", PoolSetAutostart},
    {"volumeList", VolumeList},
    {"volumeCreate", VolumeCreate},
    {"volumeInfo", VolumeInfo},
    {"volumeResize", VolumeResize},
    {"volumeDelete", VolumeDelete},
};

}  // namespace secovia
