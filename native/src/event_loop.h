// libvirt's event loop: one for the process, whatever the number of connections and JavaScript environments.
#pragma once

namespace secovia {

// Initialises libvirt and starts its event loop, once. Must come before the first connection is opened, or
// that connection has no keepalive and no events. Throws a Failure.
void EnsureEventLoop();

}  // namespace secovia
