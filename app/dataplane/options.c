#include "options.h"
#include "words.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/vpngw/dataplane.sock"

static const char help[] =
	"vpngw-dataplane: the packet path of vpngw\n"
	"\n"
	"  --port name=NAME,device=DEVICE,role=public|private|both|circuit[,mtu=N]\n"
	"         [,vlan=TAG][,mirror=INTERFACE][,queues=N][,descriptors=N]\n"
	"                     a port; DEVICE is a PCI address (0000:01:00.0) or a virtual device\n"
	"                     with its arguments after colons (net_af_packet0:iface=veth0). Ports\n"
	"                     with the same device and different tags are its sub-ports.\n"
	"                     A circuit is a private way to sites beside the VPN.\n"
	"  --tun name=INTERFACE[,instance=N][,mtu=N][,domain=N]\n"
	"                     Linux interface of the tunnel side (default vg-tun0); its packets\n"
	"                     follow the routes of its domain before those of domain 0\n"
	"  --socket PATH      where the control program attaches (default " DEFAULT_SOCKET ")\n"
	"  --group NAME       group that may use the socket (default: ours)\n"
	"  --cores LIST       CPU of each worker: 1,2-5; a CPU may appear twice (default 1, or 0)\n"
	"  --workers LIST     the same as LCORE@CPU: 1@1,2@2\n"
	"  --main-core CPU    CPU of the main thread (default: the first that no worker has)\n"
	"  --idle poll|rest   what a worker does without packets (default poll)\n"
	"  --spread-inbound   workers with time to spare decrypt packets of an SA that another\n"
	"                     receives; flows keep their order. For workers with a CPU each\n"
	"  --memory MB        memory to take (default: computed from the sizes below)\n"
	"  --no-huge          ordinary pages instead of hugepages\n"
	"  --buffers N        packet buffers, at least 384 (default: computed from ports and\n"
	"                     workers)\n"
	"  --max-sas N  --max-tunnels N  --max-children N  --max-groups N  --max-nexthops N\n"
	"  --max-neighbours N  --max-addresses N  --max-limits N  --max-routes4 N  --max-routes6 "
	"N\n"
	"  --max-domains N    how much fits; memory follows\n"
	"  --netns NAME|PATH  network namespace of the Linux interfaces (made when missing)\n"
	"  --log LEVELS       for example info or info,agent=debug\n"
	"  --graph            print the packet path as DOT and stop\n"
	"  --check-config     find what would keep it from starting, as far as that can be told\n"
	"                     without DPDK, and stop\n"
	"  --help, --version\n"
	"  @FILE              options from a file, one per line\n"
	"\n"
	"Signals: TERM and INT stop. The Linux interfaces stay.\n"
	"Example: vpngw-dataplane --no-huge --cores 1 \\\n"
	"           --port name=pub0,device=net_af_packet0:iface=veth0,role=public \\\n"
	"           --port name=lan0,device=net_af_packet1:iface=veth1,role=private\n";

const char *options_help(void)
{
	return help;
}

__attribute__((format(printf, 2, 3))) static int option_wrong(struct options_fault *fault,
							      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return -EINVAL;
}

static bool option_number(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value >= least && *value <= most;
}

static bool option_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (!n || n >= size)
		return false;
	memcpy(to, from, n + 1);
	return true;
}

struct option_row;
typedef int (*option_fn)(struct options *options, const struct option_row *row, const char *value,
			 struct options_fault *fault);

struct option_row {
	const char *name;
	option_fn set;
	size_t offset; /* of what it sets */
	uint64_t least;
	uint64_t most; /* of a number; size of a text; value of a flag */
	bool flag;
};

static int set_number(struct options *options, const struct option_row *row, const char *value,
		      struct options_fault *fault)
{
	uint64_t number;

	if (!option_number(value, row->least, row->most, &number))
		return option_wrong(fault, "--%s %s: expected a number from %llu to %llu",
				    row->name, value, (unsigned long long)row->least,
				    (unsigned long long)row->most);
	*(uint32_t *)((char *)options + row->offset) = (uint32_t)number;
	return 0;
}

static int set_text(struct options *options, const struct option_row *row, const char *value,
		    struct options_fault *fault)
{
	if (option_text((char *)options + row->offset, row->most, value))
		return 0;
	return option_wrong(fault, "--%s %s: expected 1 to %llu characters", row->name, value,
			    (unsigned long long)row->most - 1);
}

static int set_mode(struct options *options, const struct option_row *row, const char *value,
		    struct options_fault *fault)
{
	options->mode = (enum options_mode)row->most;
	return 0;
}

static int set_no_huge(struct options *options, const struct option_row *row, const char *value,
		       struct options_fault *fault)
{
	options->huge = false;
	return 0;
}

static int set_idle(struct options *options, const struct option_row *row, const char *value,
		    struct options_fault *fault)
{
	options->rest = !strcmp(value, "rest");
	if (options->rest || !strcmp(value, "poll"))
		return 0;
	return option_wrong(fault, "--idle %s: expected poll or rest", value);
}

static int set_spread(struct options *options, const struct option_row *row, const char *value,
		      struct options_fault *fault)
{
	options->spread = true;
	return 0;
}

static int set_main(struct options *options, const struct option_row *row, const char *value,
		    struct options_fault *fault)
{
	uint64_t number;

	if (!option_number(value, 0, 1023, &number))
		return option_wrong(fault, "--main-core %s: expected the number of a CPU", value);
	options->main_cpu = (uint16_t)number;
	options->main_cpu_given = true;
	return 0;
}

static bool option_cpu(struct options *options, uint64_t cpu)
{
	if (options->worker_count == OPTIONS_WORKERS)
		return false;
	options->cpus[options->worker_count++] = (uint16_t)cpu;
	return true;
}

static int set_cores(struct options *options, const struct option_row *row, const char *value,
		     struct options_fault *fault)
{
	char copy[256];
	char *rest = copy;
	char *piece;

	options->worker_count = 0;
	if (!option_text(copy, sizeof(copy), value))
		return option_wrong(fault, "--cores %s: expected CPUs such as 1,2-5", value);
	while ((piece = strsep(&rest, ","))) {
		char *dash = strchr(piece, '-');
		uint64_t first;
		uint64_t last;

		if (dash)
			*dash++ = '\0';
		if (!option_number(piece, 0, 1023, &first) ||
		    !option_number(dash ? dash : piece, first, 1023, &last))
			return option_wrong(fault, "--cores %s: expected CPUs such as 1,2-5",
					    value);
		for (; first <= last; first++)
			if (!option_cpu(options, first))
				return option_wrong(fault, "--cores %s: more than %u workers",
						    value, OPTIONS_WORKERS);
	}
	return 0;
}

/* LCORE@CPU as DPDK writes it; the lcores are numbered by us, so their numbers must be 1, 2, ... */
static int set_workers(struct options *options, const struct option_row *row, const char *value,
		       struct options_fault *fault)
{
	char copy[256];
	char *rest = copy;
	char *piece;

	options->worker_count = 0;
	if (!option_text(copy, sizeof(copy), value))
		return option_wrong(fault, "--workers %s: expected LCORE@CPU,...", value);
	while ((piece = strsep(&rest, ","))) {
		char *at = strchr(piece, '@');
		uint64_t lcore;
		uint64_t cpu;

		if (at)
			*at++ = '\0';
		if (!at || !option_number(piece, 1, OPTIONS_WORKERS, &lcore) ||
		    !option_number(at, 0, 1023, &cpu) || lcore != options->worker_count + 1u ||
		    !option_cpu(options, cpu))
			return option_wrong(fault,
					    "--workers %s: expected 1@CPU,2@CPU,... with lcores "
					    "counted from 1",
					    value);
	}
	return 0;
}

static int set_port(struct options *options, const struct option_row *row, const char *value,
		    struct options_fault *fault)
{
	struct port_fault port_fault;
	int err;

	if (options->port_count == PORT_MAX - 1)
		return option_wrong(fault, "--port %s: more than %u ports", value, PORT_MAX - 1);
	err = port_options_parse(&options->ports[options->port_count], value, &port_fault);
	if (err)
		return option_wrong(fault, "%s", port_fault.text);
	options->port_count++;
	return 0;
}

static int set_tun(struct options *options, const struct option_row *row, const char *value,
		   struct options_fault *fault)
{
	struct mirror_options *tun = &options->tuns[options->tun_count];
	char copy[256];
	char *rest = copy;
	char *pair;

	if (options->tun_count == OPTIONS_TUNS)
		return option_wrong(fault, "--tun %s: more than %u", value, OPTIONS_TUNS);
	*tun = (struct mirror_options){ .mtu = 1400, .instance = options->tun_count };
	if (!option_text(copy, sizeof(copy), value))
		return option_wrong(fault, "--tun %s: expected name=INTERFACE", value);
	while ((pair = strsep(&rest, ","))) {
		uint64_t number = 0;
		bool good = false;

		if (!strncmp(pair, "name=", 5))
			good = option_text(tun->interface, sizeof(tun->interface), pair + 5);
		else if (!strncmp(pair, "instance=", 9) &&
			 (good = option_number(pair + 9, 0, 255, &number)))
			tun->instance = (uint32_t)number;
		else if (!strncmp(pair, "mtu=", 4) &&
			 (good = option_number(pair + 4, 576, 9600, &number)))
			tun->mtu = (uint16_t)number;
		else if (!strncmp(pair, "domain=", 7) &&
			 (good = option_number(pair + 7, 0, 255, &number)))
			tun->domain = (uint32_t)number;
		if (!good)
			return option_wrong(fault,
					    "--tun %s: \"%s\": expected name= of at most 15 "
					    "characters, instance= and domain= 0 to 255, "
					    "mtu= 576 to 9600",
					    value, pair);
	}
	if (!tun->interface[0])
		return option_wrong(fault, "--tun %s: name= is missing", value);
	options->tun_count++;
	return 0;
}

#define SIZE(text, field, most)                                                                    \
	{                                                                                          \
		"max-" text, set_number, offsetof(struct options, sizes.field), 1, most, false     \
	}
#define TEXT(text, field)                                                                          \
	{                                                                                          \
		text, set_text, offsetof(struct options, field), 0,                                \
			sizeof(((struct options *)0)->field), false                                \
	}

static const struct option_row rows[] = {
	{ "port", set_port, 0, 0, 0, false },
	{ "tun", set_tun, 0, 0, 0, false },
	TEXT("socket", socket),
	TEXT("group", group),
	{ "cores", set_cores, 0, 0, 0, false },
	{ "workers", set_workers, 0, 0, 0, false },
	{ "main-core", set_main, 0, 0, 0, false },
	{ "idle", set_idle, 0, 0, 0, false },
	{ "spread-inbound", set_spread, 0, 0, 0, true },
	{ "memory", set_number, offsetof(struct options, memory_mb), 64, 1048576, false },
	{ "no-huge", set_no_huge, 0, 0, 0, true },
	{ "buffers", set_number, offsetof(struct options, buffers), OPTIONS_BUFFERS_LEAST, 16777216,
	  false },
	SIZE("sas", sas, 1u << 20),
	SIZE("tunnels", tunnels, 1u << 20),
	SIZE("children", children, 1u << 20),
	SIZE("groups", groups, 1u << 20),
	SIZE("nexthops", nexthops, 1u << 20),
	SIZE("neighbours", neighbours, 1u << 20),
	SIZE("addresses", addresses, 65536),
	SIZE("limits", limits, 1u << 20),
	SIZE("routes4", routes4, 1u << 24),
	SIZE("routes6", routes6, 1u << 24),
	SIZE("domains", domains, 256),
	TEXT("netns", netns),
	TEXT("log", log),
	{ "graph", set_mode, 0, 0, OPTIONS_GRAPH, true },
	{ "check-config", set_mode, 0, 0, OPTIONS_CHECK, true },
	{ "help", set_mode, 0, 0, OPTIONS_HELP, true },
	{ "version", set_mode, 0, 0, OPTIONS_VERSION, true },
};

static const struct option_row *option_find(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].name) == n && !memcmp(rows[i].name, name, n))
			return &rows[i];
	return NULL;
}

static int option_apply(struct options *options, struct words *words, struct options_fault *fault)
{
	const char *word = words_next(words);
	const char *name = word + 2;
	size_t n = strcspn(name, "=");
	const struct option_row *row = option_find(name, n);
	const char *value = name[n] ? name + n + 1 : NULL;

	if (!row)
		return option_wrong(fault, "unknown option %s; see vpngw-dataplane --help", word);
	if (row->flag && value)
		return option_wrong(fault, "--%s takes no value", row->name);
	if (!row->flag && !value)
		value = words_next(words);
	if (!row->flag && !value)
		return option_wrong(fault, "--%s needs a value; see vpngw-dataplane --help",
				    row->name);
	return row->set(options, row, value, fault);
}

static int ports_distinct(const struct port_options *a, const struct port_options *b,
			  struct options_fault *fault)
{
	if (!strcmp(a->name, b->name))
		return option_wrong(fault, "two ports are named %s; give each a name of its own",
				    a->name);
	if (!strcmp(a->mirror, b->mirror))
		return option_wrong(fault,
				    "ports %s and %s have the same mirror %s; give each one of its "
				    "own",
				    a->name, b->name, a->mirror);
	if (strcmp(a->device, b->device) || a->vlan != b->vlan)
		return 0;
	if (!a->vlan)
		return option_wrong(fault,
				    "ports %s and %s: both take the untagged traffic of %s; give "
				    "one another vlan=",
				    a->name, b->name, a->device);
	return option_wrong(fault,
			    "ports %s and %s: both take the tag %u of %s; give one another vlan=",
			    a->name, b->name, a->vlan, a->device);
}

static int tun_distinct(const struct options *options, uint32_t tun, struct options_fault *fault)
{
	const char *interface = options->tuns[tun].interface;
	bool taken = false;

	for (uint32_t i = 0; i < options->port_count; i++)
		taken |= !strcmp(options->ports[i].mirror, interface);
	for (uint32_t i = 0; i < tun; i++)
		taken |= !strcmp(options->tuns[i].interface, interface);
	return taken ? option_wrong(fault,
				    "--tun name=%s: another TUN or the mirror of a port has this "
				    "name; give it one of its own",
				    interface)
		     : 0;
}

static int options_distinct(const struct options *options, struct options_fault *fault)
{
	int err = 0;

	for (uint32_t i = 0; i < options->port_count; i++)
		for (uint32_t j = 0; !err && j < i; j++)
			err = ports_distinct(&options->ports[j], &options->ports[i], fault);
	for (uint32_t i = 0; !err && i < options->tun_count; i++)
		err = tun_distinct(options, i, fault);
	return err;
}

static int options_complete(struct options *options, struct options_fault *fault)
{
	if (options->mode != OPTIONS_RUN && options->mode != OPTIONS_CHECK)
		return 0;
	if (!options->port_count)
		return option_wrong(fault,
				    "no port given: add at least one --port "
				    "name=...,device=...,role=...; see vpngw-dataplane --help");
	if (!options->tun_count)
		options->tuns[options->tun_count++] =
			(struct mirror_options){ .interface = "vg-tun0", .mtu = 1400 };
	if (options_distinct(options, fault))
		return -EINVAL;
	for (uint32_t i = 0; i < options->tun_count; i++)
		if (options->tuns[i].domain >= options->sizes.domains)
			return option_wrong(fault,
					    "--tun name=%s: domain %u needs --max-domains %u",
					    options->tuns[i].interface, options->tuns[i].domain,
					    options->tuns[i].domain + 1);
	/* Most tunnels have one child, and one more while they rekey. */
	if (!options->sizes.children)
		options->sizes.children = options->sizes.tunnels * 2;
	if (!options->worker_count)
		options->cpus[options->worker_count++] = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0;
	return 0;
}

int options_parse(struct options *options, int argc, char *const argv[],
		  struct options_fault *fault)
{
	struct words words;
	int err = 0;

	*options = (struct options){ .huge = true };
	memcpy(options->socket, DEFAULT_SOCKET, sizeof(DEFAULT_SOCKET));
	memcpy(options->log, "info", sizeof("info"));
	options->sizes = (struct options_sizes){
		.sas = 4096,
		.tunnels = 1024,
		.groups = 1024,
		.nexthops = 4096,
		.neighbours = 4096,
		.addresses = 256,
		.limits = 1024,
		.routes4 = 16384,
		.routes6 = 4096,
		.domains = 1,
	};
	err = words_init(&words, argc, argv);
	if (err) {
		option_wrong(fault, "%s: cannot read the options in it: %s; check the path",
			     words.failed ? words.failed : "@FILE", strerror(-err));
		goto out;
	}
	while (!err && words_left(&words)) {
		const char *word = words_peek(&words);

		err = strncmp(word, "--", 2)
			      ? option_wrong(fault,
					     "unexpected argument %s; see vpngw-dataplane --help",
					     word)
			      : option_apply(options, &words, fault);
	}
	if (!err)
		err = options_complete(options, fault);
out:
	words_fini(&words);
	return err ? -EINVAL : 0;
}
