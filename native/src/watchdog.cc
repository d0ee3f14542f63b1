// Pets the machine's watchdog until a moment of CLOCK_BOOTTIME that JavaScript puts off as long as it is well. When nobody does,
// the thread here falls silent at that moment, and the device resets the machine one time-out later.
//
// One device for the whole process: a kernel's (Documentation/watchdog/watchdog-api), or the socket of a program that shares one
// out, to which any byte is a pet and 'V' before the end takes it back, as it is for the kernel's.

#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "threads.h"

namespace secovia {
namespace {

constexpr char kPet = '\0';
constexpr char kTakeBack = 'V';
constexpr std::chrono::milliseconds kLongestPause{1000};

double BootMs() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

std::string Reason() { return strerror(errno); }

class Device {
 public:
  explicit Device(const std::string& path) : path_(path) {
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) throw std::runtime_error(path + " cannot be found: " + Reason());
    isSocket_ = S_ISSOCK(found.st_mode);
    if (!isSocket_ && !S_ISCHR(found.st_mode)) throw std::runtime_error(path + " is not a device, nor a socket");
    // Before it is opened, which starts it for good.
    if (!isSocket_ && NoWayOut()) throw std::runtime_error(path + " cannot be taken back once it is armed (nowayout)");
    file_ = isSocket_ ? Connected() : open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file_ < 0) throw std::runtime_error(path + " cannot be opened: " + Reason());
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  // Closed without being taken back, it bites.
  ~Device() { close(file_); }

  // A socket has the time-out of the program behind it.
  void SetTimeout(int seconds) {
    if (isSocket_) return;
    watchdog_info info{};
    if (ioctl(file_, WDIOC_GETSUPPORT, &info) != 0) throw std::runtime_error(path_ + " is not a watchdog");
    if ((info.options & WDIOF_MAGICCLOSE) == 0) {
      TakeBack();
      throw std::runtime_error(path_ + " cannot be taken back once it is armed");
    }
    int has = seconds;
    if (ioctl(file_, WDIOC_SETTIMEOUT, &has) != 0 && ioctl(file_, WDIOC_GETTIMEOUT, &has) != 0) has = 0;
    if (has >= 1 && has <= seconds) return;
    TakeBack();
    throw std::runtime_error(path_ + " cannot have a time-out of " + std::to_string(seconds) + " s, but of " +
                             std::to_string(has) + " s");
  }

  bool Pet() { return Write(kPet); }
  bool TakeBack() { return Write(kTakeBack); }

 private:
  bool Write(char what) {
    if (!isSocket_) return write(file_, &what, 1) == 1;
    return send(file_, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
  }

  int Connected() const {
    // An address has room for some hundred bytes, and a path may be longer: by way of its folder it is short.
    const size_t slash = path_.rfind('/');
    const int folder = open(path_.substr(0, slash + 1).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return -1;
    const std::string name = "/proc/self/fd/" + std::to_string(folder) + path_.substr(slash);
    const int file = ConnectedTo(name);
    const int why = errno;
    close(folder);
    errno = why;
    return file;
  }

  static int ConnectedTo(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path) {
      errno = ENAMETOOLONG;
      return -1;
    }
    name.copy(address.sun_path, name.size());
    // Whoever shares it out and does not accept is not waited for.
    const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0 || connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return file;
    const int why = errno;
    close(file);
    errno = why;
    return -1;
  }

  // /dev/watchdog is another name of the first one.
  bool NoWayOut() const {
    std::string name = path_.substr(path_.rfind('/') + 1);
    if (name == "watchdog") name = "watchdog0";
    std::ifstream setting("/sys/class/watchdog/" + name + "/nowayout");
    char set = '0';
    return setting.get(set) && set == '1';
  }

  const std::string path_;
  bool isSocket_ = false;
  int file_ = -1;
};

// Never destroyed: its thread lives as long as the process.
class Petter {
 public:
  static Petter& One() {
    static auto* one = new Petter();
    return *one;
  }

  void Arm(const std::string& path, int timeoutS, double untilMs) {
    std::lock_guard lock(mutex_);
    // One that could not be petted any more.
    device_.reset();
    auto device = std::make_unique<Device>(path);
    device->SetTimeout(timeoutS);
    device_ = std::move(device);
    pause_ = std::min(kLongestPause, std::chrono::milliseconds(timeoutS * 250));
    untilMs_ = untilMs;
    trouble_.clear();
    Pet();
    if (!started_) std::thread([this] { Run(); }).detach();
    started_ = true;
    changed_.notify_one();
  }

  // Why it could not be petted last; empty when it could.
  std::string Extend(double untilMs) {
    std::lock_guard lock(mutex_);
    untilMs_ = untilMs;
    return trouble_;
  }

  void Release(const std::string& path) {
    std::lock_guard lock(mutex_);
    if (device_ == nullptr) device_ = std::make_unique<Device>(path);
    const bool taken = device_->TakeBack();
    const std::string why = taken ? "" : Reason();
    device_.reset();
    if (!taken) throw std::runtime_error(path + " cannot be taken back: " + why);
  }

 private:
  void Run() {
    BlockSignals();
    pthread_setname_np(pthread_self(), "watchdog");
    // Where it may: a host that is short of CPUs must not be reset for that.
    sched_param urgent{};
    urgent.sched_priority = sched_get_priority_min(SCHED_RR);
    pthread_setschedparam(pthread_self(), SCHED_RR, &urgent);
    std::unique_lock lock(mutex_);
    for (;;) {
      if (device_ == nullptr) {
        changed_.wait(lock);
        continue;
      }
      Pet();
      changed_.wait_for(lock, pause_);
    }
  }

  void Pet() {
    if (BootMs() >= untilMs_) return;
    trouble_ = device_->Pet() ? "" : Reason();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Device> device_;
  std::chrono::milliseconds pause_ = kLongestPause;
  double untilMs_ = 0;
  std::string trouble_;
  bool started_ = false;
};

std::string Path(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "device must be a string");
  return info[0].As<Napi::String>().Utf8Value();
}

double Number(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (!info[index].IsNumber()) throw Napi::TypeError::New(info.Env(), std::string(name) + " must be a number");
  return info[index].As<Napi::Number>().DoubleValue();
}

// (device, timeoutS, untilMs)
void Arm(const Napi::CallbackInfo& info) {
  const std::string path = Path(info);
  const double timeoutS = Number(info, 1, "timeoutS");
  if (!(timeoutS >= 1 && timeoutS <= 3600)) throw Napi::TypeError::New(info.Env(), "timeoutS must be 1 to 3600");
  const double untilMs = Number(info, 2, "untilMs");
  try {
    Petter::One().Arm(path, static_cast<int>(timeoutS), untilMs);
  } catch (const std::runtime_error& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

// (untilMs) -> why it could not be petted last
Napi::Value Extend(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), Petter::One().Extend(Number(info, 0, "untilMs")));
}

// (device)
void Release(const Napi::CallbackInfo& info) {
  const std::string path = Path(info);
  try {
    Petter::One().Release(path);
  } catch (const std::runtime_error& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

}  // namespace

void ExportWatchdog(Napi::Env env, Napi::Object exports) {
  const auto watchdog = Napi::Object::New(env);
  watchdog.Set("arm", Napi::Function::New<Arm>(env, "arm"));
  watchdog.Set("extend", Napi::Function::New<Extend>(env, "extend"));
  watchdog.Set("release", Napi::Function::New<Release>(env, "release"));
  exports.Set("watchdog", watchdog);
}

}  // namespace secovia
