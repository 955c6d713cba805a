/*
 * For `scripts/bench ike --strongswan`: takes the kernel away from charon, so that what it spends
 * is the handshake. Preloaded, this stands before libcharon's kernel_ipsec_register(): whatever
 * plugin brings an IPsec kernel, charon gets one that gives SPIs and says yes to every SA and
 * policy, as strongSwan's own load-tester does (load_tester_ipsec.c; Debian builds charon without
 * it).
 *
 * The order of kernel_ipsec_t has been the same from strongSwan 5.7 to 6.0 at least; a charon of
 * another order would not complete a handshake.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { SUCCESS = 0, FAILED = 1, NOT_SUPPORTED = 2 };

struct kernel_ipsec {
	int (*get_features)(struct kernel_ipsec *kernel);
	int (*get_spi)(struct kernel_ipsec *kernel, void *source, void *destination,
		       uint8_t protocol, uint32_t *spi);
	int (*get_cpi)(void);
	int (*add_sa)(void);
	int (*update_sa)(void);
	int (*query_sa)(void);
	int (*del_sa)(void);
	int (*flush_sas)(void);
	int (*add_policy)(void);
	int (*query_policy)(void);
	int (*del_policy)(void);
	int (*flush_policies)(void);
	bool (*bypass_socket)(void);
	bool (*enable_udp_decap)(void);
	void (*destroy)(struct kernel_ipsec *kernel);
};

static int features_none(struct kernel_ipsec *kernel)
{
	return 0;
}

static int spi_give(struct kernel_ipsec *kernel, void *source, void *destination, uint8_t protocol,
		    uint32_t *spi)
{
	static uint32_t last = 0x1000;

	*spi = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	return SUCCESS;
}

static int accepted(void)
{
	return SUCCESS;
}

static int refused(void)
{
	return NOT_SUPPORTED;
}

static bool done(void)
{
	return true;
}

static void destroy(struct kernel_ipsec *kernel)
{
}

static struct kernel_ipsec *kernel_new(void)
{
	static struct kernel_ipsec kernel = {
		.get_features = features_none,
		.get_spi = spi_give,
		.get_cpi = refused,
		.add_sa = accepted,
		.update_sa = accepted,
		.query_sa = refused,
		.del_sa = accepted,
		.flush_sas = accepted,
		.add_policy = accepted,
		.query_policy = refused,
		.del_policy = accepted,
		.flush_policies = accepted,
		.bypass_socket = done,
		.enable_udp_decap = done,
		.destroy = destroy,
	};

	return &kernel;
}

bool kernel_ipsec_register(void *plugin, void *feature, bool reg, void *constructor);

bool kernel_ipsec_register(void *plugin, void *feature, bool reg, void *constructor)
{
	bool (*charons)(void *, void *, bool, void *);

	*(void **)&charons = dlsym(RTLD_NEXT, "kernel_ipsec_register");
	return charons && charons(plugin, feature, reg, (void *)kernel_new);
}

/* The beginning of bus_t. */
struct bus {
	void (*add_listener)(struct bus *bus, void *listener);
	void (*remove_listener)(struct bus *bus, void *listener);
	void (*add_logger)(struct bus *bus, void *logger);
};

static void logger_refuse(struct bus *bus, void *logger)
{
}

struct bus *bus_create(void);

/* vici would have every message written out, whether somebody listens to its log or not. */
struct bus *bus_create(void)
{
	struct bus *(*charons)(void);
	struct bus *bus;

	*(void **)&charons = dlsym(RTLD_NEXT, "bus_create");
	bus = charons ? charons() : NULL;
	if (bus)
		bus->add_logger = logger_refuse;
	return bus;
}
