// The way from any thread to one JavaScript thread: letters are run there in the order in which they were
// posted, a few milliseconds' worth at a time, so that a flood of answers does not hold the event loop.
#pragma once

#include <node_api.h>

#include <deque>
#include <functional>
#include <mutex>

namespace secovia {

class Mailbox {
 public:
  using Letter = std::function<void(napi_env)>;

  // On the JavaScript thread. An idle mailbox does not keep the process alive.
  explicit Mailbox(napi_env env);

  // On any thread; dropped when the environment has ended.
  void Post(Letter letter);

  // On the JavaScript thread: whether letters are expected, for which Node should stay alive.
  void KeepAlive(bool keep);

  // On the JavaScript thread, as the environment ends. No letter is run afterwards.
  void Close();

 private:
  static void Wake(napi_env env, napi_value callback, void* context, void* data);
  static napi_value Continue(napi_env env, napi_callback_info info);
  void Deliver();
  bool DeliverLater();

  const napi_env env_;
  napi_threadsafe_function wake_ = nullptr;
  // JavaScript's setImmediate, and what it is to call.
  napi_ref setImmediate_ = nullptr;
  napi_ref continue_ = nullptr;
  std::mutex mutex_;
  std::deque<Letter> letters_;
  // Somebody will call Deliver.
  bool scheduled_ = false;
  bool closed_ = false;
};

}  // namespace secovia
