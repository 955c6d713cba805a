#include "rights.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Packet sockets, interfaces, locked memory, CPUs; the socket's group, and its folder's owner. */
static const cap_value_t rights_always[] = { CAP_NET_ADMIN, CAP_NET_RAW,      CAP_IPC_LOCK,
					     CAP_SYS_NICE,  CAP_DAC_OVERRIDE, CAP_CHOWN };
/* Namespaces; programs of AF_XDP; a NIC's registers and the addresses of its memory. */
static const cap_value_t rights_host[] = { CAP_SYS_ADMIN, CAP_SYS_RAWIO };

static void rights_take(cap_t keep, cap_t have, const cap_value_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cap_flag_value_t permitted = CAP_CLEAR;

		if (cap_get_flag(have, values[i], CAP_PERMITTED, &permitted) ||
		    permitted != CAP_SET)
			continue;
		cap_set_flag(keep, CAP_PERMITTED, 1, &values[i], CAP_SET);
		cap_set_flag(keep, CAP_EFFECTIVE, 1, &values[i], CAP_SET);
	}
}

static bool rights_host_needed(const struct options *options)
{
	bool needed = options->netns[0];

	for (uint32_t i = 0; i < options->port_count; i++)
		needed |= port_options_pci(&options->ports[i]) ||
			  !strncmp(options->ports[i].device, "net_af_xdp", 10);
	return needed;
}

int rights_keep_needed(const struct options *options)
{
	const struct rlimit none = { 0, 0 };
	cap_t have = cap_get_proc();
	cap_t keep = cap_init();
	int err = -ENOMEM;

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (have && keep) {
		rights_take(keep, have, rights_always,
			    sizeof(rights_always) / sizeof(rights_always[0]));
		if (rights_host_needed(options))
			rights_take(keep, have, rights_host,
				    sizeof(rights_host) / sizeof(rights_host[0]));
		err = cap_set_proc(keep) ? -errno : 0;
	}
	cap_free(have);
	cap_free(keep);
	return err;
}
