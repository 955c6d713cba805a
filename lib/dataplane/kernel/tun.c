#include "dataplane/kernel/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int tun_fault(struct mirror_fault *fault, int err, const char *interface, const char *what)
{
	const char *advice = "see the kernel's message";

	if (err == -EBUSY)
		advice =
			"another program holds it: stop that program or choose another mirror name";
	else if (err == -EINVAL)
		advice = "an interface of another kind has this name: delete it or choose another "
			 "mirror name";
	else if (err == -EPERM || err == -EACCES)
		advice = "run with CAP_NET_ADMIN";
	else if (err == -ENOENT || err == -ENODEV)
		advice = "load the tun module (modprobe tun)";
	snprintf(fault->text, sizeof(fault->text), "mirror interface %s: %s: %s; %s", interface,
		 what, strerror(-err), advice);
	return err;
}

static void tun_name(struct ifreq *request, const char *interface)
{
	memset(request, 0, sizeof(*request));
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", interface);
}

static int tun_set_mac(int control, const struct mirror_options *options)
{
	struct ifreq request;

	tun_name(&request, options->interface);
	if (ioctl(control, SIOCGIFHWADDR, &request))
		return -errno;
	if (!memcmp(request.ifr_hwaddr.sa_data, options->mac, 6))
		return 0;
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, options->mac, 6);
	return ioctl(control, SIOCSIFHWADDR, &request) ? -errno : 0;
}

static int tun_set_mtu(int control, const struct mirror_options *options)
{
	struct ifreq request;

	tun_name(&request, options->interface);
	if (ioctl(control, SIOCGIFMTU, &request))
		return -errno;
	if (request.ifr_mtu == options->mtu)
		return 0;
	request.ifr_mtu = options->mtu;
	return ioctl(control, SIOCSIFMTU, &request) ? -errno : 0;
}

/* A full one loses whatever the kernel sends, BFD as well: it bridges a pause of the main lcore. */
static int tun_set_queue(int control, const struct mirror_options *options)
{
	struct ifreq request;

	tun_name(&request, options->interface);
	if (ioctl(control, SIOCGIFTXQLEN, &request))
		return -errno;
	if (request.ifr_qlen >= MIRROR_QUEUE)
		return 0;
	request.ifr_qlen = MIRROR_QUEUE;
	return ioctl(control, SIOCSIFTXQLEN, &request) ? -errno : 0;
}

static int tun_set_up(int control, struct mirror *mirror)
{
	struct ifreq request;

	tun_name(&request, mirror->interface);
	if (ioctl(control, SIOCGIFINDEX, &request))
		return -errno;
	mirror->ifindex = (uint32_t)request.ifr_ifindex;
	if (ioctl(control, SIOCGIFFLAGS, &request))
		return -errno;
	if (request.ifr_flags & IFF_UP)
		return 0;
	request.ifr_flags |= IFF_UP;
	return ioctl(control, SIOCSIFFLAGS, &request) ? -errno : 0;
}

static int tun_configure(struct mirror *mirror, const struct mirror_options *options,
			 struct mirror_fault *fault)
{
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const char *what = "cannot open a control socket";
	int err = control < 0 ? -errno : 0;

	if (!err && options->port) {
		what = "cannot set the MAC address";
		err = tun_set_mac(control, options);
	}
	if (!err) {
		what = "cannot set the MTU";
		err = tun_set_mtu(control, options);
	}
	if (!err) {
		what = "cannot set the length of its queue";
		err = tun_set_queue(control, options);
	}
	if (!err) {
		what = "cannot set it up";
		err = tun_set_up(control, mirror);
	}
	if (control >= 0)
		close(control);
	return err ? tun_fault(fault, err, options->interface, what) : 0;
}

int tun_open(struct mirror *mirror, const struct mirror_options *options,
	     struct mirror_fault *fault)
{
	struct ifreq request;
	int err;

	mirror->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (mirror->fd < 0)
		return tun_fault(fault, -errno, options->interface, "cannot open /dev/net/tun");
	mirror->made = !if_nametoindex(options->interface);
	tun_name(&request, options->interface);
	request.ifr_flags = (short)((options->port ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
	err = ioctl(mirror->fd, TUNSETIFF, &request) ? -errno : 0;
	if (err) {
		err = tun_fault(fault, err, options->interface, "cannot open it");
		goto fail;
	}
	if (ioctl(mirror->fd, TUNSETPERSIST, 1)) {
		err = tun_fault(fault, -errno, options->interface, "cannot make it persistent");
		goto fail;
	}
	/* No offload: what comes out has its checksums, and no segment is larger than the MTU. */
	if (ioctl(mirror->fd, TUNSETOFFLOAD, 0UL)) {
		err = tun_fault(fault, -errno, options->interface, "cannot switch offloads off");
		goto fail;
	}
	snprintf(mirror->interface, sizeof(mirror->interface), "%s", options->interface);
	mirror->port = options->port;
	mirror->instance = options->instance;
	mirror->domain = options->domain;
	mirror->mtu = options->mtu;
	err = tun_configure(mirror, options, fault);
	if (!err)
		return 0;
fail:
	tun_undo(mirror);
	return err;
}

void tun_undo(struct mirror *mirror)
{
	if (mirror->made && mirror->fd >= 0)
		ioctl(mirror->fd, TUNSETPERSIST, 0);
	tun_close(mirror);
}

void tun_close(struct mirror *mirror)
{
	if (mirror->fd >= 0)
		close(mirror->fd);
	mirror->fd = -1;
}

void tun_carrier(const struct mirror *mirror, bool up)
{
	unsigned int carrier = up;

	/* Kernels before 5.0 do not know it; the interface then always has a carrier. */
	if (ioctl(mirror->fd, TUNSETCARRIER, &carrier))
		return;
}
