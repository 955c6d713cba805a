#include "offline.h"

#include "control/config/config.h"
#include "control/config/file.h"
#include "control/config/sku.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int load_file(struct config **config, const char *path, struct config_report *report)
{
	struct config_source source = { 0 };
	struct sku_catalogue *catalogue = NULL;
	struct config_file file;
	int rc = config_file_read(&file, path, report);

	if (rc < 0)
		return rc;
	rc = sku_catalogue_named(&catalogue, file.text, file.n, report);
	source.catalogue = catalogue;
	if (rc == 0)
		rc = config_load_text(config, &source, file.text, file.n, report);
	sku_catalogue_put(catalogue);
	config_file_fini(&file);
	return rc;
}

static int load(const struct config **config, const char *path)
{
	struct config_report report;
	struct text text = { 0 };
	struct config *loaded = NULL;
	int rc;

	config_report_init(&report);
	rc = secret_pool_init(4 * 1024 * 1024);
	if (rc < 0)
		fprintf(stderr, "vpngw-control: cannot lock memory for secrets: %s\n",
			strerror(-rc));
	if (rc == 0)
		rc = load_file(&loaded, path, &report);
	config_report_text(&report, &text);
	if (text.n)
		fprintf(stderr, "%s", text_get(&text));
	text_fini(&text);
	config_report_fini(&report);
	*config = loaded;
	return rc < 0 ? 1 : 0;
}

int offline_check(const char *path)
{
	const struct config *config;
	int code = load(&config, path);

	if (code == 0)
		printf("%s: good: %u gateways, %u connections\n", path,
		       config_count(config, CONFIG_GATEWAY),
		       config_count(config, CONFIG_CONNECTION));
	if (code == 0)
		config_put(config);
	return code;
}

/* DPDK writes a device's arguments behind commas; inside --port they stand behind colons. */
static void print_port(const struct config_port *port)
{
	static const char *const roles[] = { [CONFIG_ROLE_PUBLIC] = "public",
					     [CONFIG_ROLE_PRIVATE] = "private",
					     [CONFIG_ROLE_PUBLIC | CONFIG_ROLE_PRIVATE] = "both",
					     [CONFIG_ROLE_CIRCUIT] = "circuit" };

	printf("port name=%s,device=", port->name);
	for (const char *c = port->device; *c; c++)
		putchar(*c == ',' ? ':' : *c);
	printf(",role=%s", roles[port->role]);
	if (port->mtu)
		printf(",mtu=%lld", (long long)port->mtu);
	if (port->vlan)
		printf(",vlan=%lld", (long long)port->vlan);
	if (port->queues)
		printf(",queues=%lld", (long long)port->queues);
	putchar('\n');
}

/* An instance each: what its BGP speaker sends follows its own domain first. */
static void print_tuns(int64_t domains)
{
	for (uint32_t i = 0; i < 2; i++)
		printf("tun name=vg-tun%u,instance=%u,domain=%u\n", i, i,
		       domains > i + 1 ? i + 1 : 0);
}

static void print_number(const char *name, int64_t value)
{
	if (value)
		printf("%s %lld\n", name, (long long)value);
}

int offline_dataplane_options(const char *path)
{
	const struct config *config;
	const struct config_appliance *a;
	int code = load(&config, path);

	if (code)
		return code;
	a = config_appliance(config);
	for (uint32_t i = 0; i < a->ports.count; i++)
		print_port(&a->ports.items[i]);
	print_tuns(a->maxima.domains);
	printf("main-core %lld\n", (long long)a->cores.main);
	if (a->cores.workers.count)
		printf("cores ");
	for (uint32_t i = 0; i < a->cores.workers.count; i++)
		printf("%s%lld", i ? "," : "", (long long)a->cores.workers.items[i]);
	if (a->cores.workers.count)
		putchar('\n');
	printf("idle %s\n", a->idle == CONFIG_IDLE_REST ? "rest" : "poll");
	if (a->cores.spread_inbound)
		puts("spread-inbound");
	if (!a->memory.huge_pages)
		puts("no-huge");
	print_number("memory", a->memory.megabytes);
	print_number("buffers", a->memory.packets);
	print_number("max-sas", a->maxima.security_associations);
	print_number("max-tunnels", a->maxima.tunnels);
	print_number("max-nexthops", a->maxima.next_hops);
	print_number("max-groups", a->maxima.groups);
	print_number("max-limits", a->maxima.limits);
	print_number("max-routes4", a->maxima.routes4);
	print_number("max-routes6", a->maxima.routes6);
	print_number("max-domains", a->maxima.domains);
	if (a->dataplane_socket)
		printf("socket %s\n", a->dataplane_socket);
	config_put(config);
	return 0;
}
