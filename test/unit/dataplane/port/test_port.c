#include "dataplane/port/device.h"
#include "dataplane/port/link.h"
#include "dataplane/port/port.h"

#include "../eal.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rte_mempool *pool;
static struct port_set set;
static struct port_fault fault;

static struct port_options options_of(const char *text)
{
	struct port_options options;

	if (port_options_parse(&options, text, &fault))
		fail_msg("%s", fault.text);
	return options;
}

static int open_of(const char *const texts[], uint32_t count, uint16_t workers)
{
	struct port_options options[4];

	for (uint32_t i = 0; i < count; i++)
		options[i] = options_of(texts[i]);
	fault.text[0] = '\0';
	return port_set_open(&set, options, count, workers, pool, &fault);
}

static void test_split(void **state)
{
	char name[PORT_DEVICE_TEXT];
	char arguments[PORT_DEVICE_TEXT];

	assert_int_equal(device_split("net_tap0:iface=x0:mac=02:00:00:00:00:01:persist", name,
				      arguments, sizeof(name)),
			 0);
	assert_string_equal(name, "net_tap0");
	assert_string_equal(arguments, "iface=x0,mac=02:00:00:00:00:01:persist");
	assert_int_equal(device_split("net_null0", name, arguments, sizeof(name)), 0);
	assert_string_equal(name, "net_null0");
	assert_string_equal(arguments, "");
	assert_int_equal(device_split(":iface=x", name, arguments, sizeof(name)), -EINVAL);
}

static void test_open_and_close(void **state)
{
	static const char *const texts[] = {
		"name=pub0,device=net_null0,role=public",
		"name=lan0,device=net_null1,role=private,mtu=1400",
	};
	struct contract_port described;
	struct port *port;
	char lacks[PORT_LACKS];

	/* Twice: nothing of the first time is in the way. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(open_of(texts, 2, 2), 0);
		assert_int_equal(set.count, 2);
		assert_int_equal(set.device_count, 2);
		port = port_get(&set, 1);
		assert_non_null(port);
		assert_string_equal(port->name, "pub0");
		assert_int_equal(port->role, CONTRACT_PUBLIC);
		assert_null(port_get(&set, 0));
		assert_null(port_get(&set, 3));
		assert_true(port_device_of(&set, port->dpdk) == &set.devices[0]);
		assert_null(port_device_of(&set, 17));
		port_describe(&set, port_get(&set, 2), &described);
		assert_string_equal(described.name, "lan0");
		assert_int_equal(described.mtu, 1400);
		assert_int_equal(described.role, CONTRACT_PRIVATE);
		/* What net_null cannot do is said. */
		port_device_lacks(&set, &set.devices[0], lacks, sizeof(lacks));
		assert_non_null(strstr(lacks, "checksum check on receive"));
		assert_non_null(strstr(lacks, "checksums on transmit (IPv4 UDP TCP)"));
		/* and what nobody asked it for is not */
		assert_null(strstr(lacks, "VLAN"));
		assert_null(strstr(lacks, "MTU"));
		assert_non_null(strstr(lacks, "a level of its receive rings"));
		port_set_close(&set);
		assert_int_equal(rte_eth_dev_count_avail(), 0);
	}
}

static void test_sub_ports(void **state)
{
	static const char *const texts[] = {
		"name=pub0,device=net_null0,role=public,mtu=1500",
		"name=dmz,device=net_null0,role=private,vlan=100,mtu=1400",
		"name=lan,device=net_null0,role=private,vlan=4094",
	};
	const struct port_device *device;

	assert_int_equal(open_of(texts, 3, 1), 0);
	assert_int_equal(set.device_count, 1);
	device = &set.devices[0];
	assert_int_equal(port_of_tag(device, 0), 1);
	assert_int_equal(port_of_tag(device, 100), 2);
	assert_int_equal(port_of_tag(device, 4094), 3);
	assert_int_equal(port_of_tag(device, 7), 0);
	assert_int_equal(set.ports[2].parent, 1);
	assert_int_equal(set.ports[2].mtu, 1400);
	assert_memory_equal(set.ports[1].mac, set.ports[2].mac, 6);
	port_set_close(&set);
}

/* A tag and a longer frame are wanted: what a device does not do of it is said, with its number. */
static void test_lacks(void **state)
{
	static const char *const texts[] = {
		"name=pub0,device=net_ring0,role=public,vlan=5,mtu=9600",
		"name=lan0,device=net_ring1,role=private,mtu=1500",
		"name=dmz0,device=net_null0,role=private,mtu=9600", /* it takes any MTU */
	};
	char lacks[PORT_LACKS];

	assert_int_equal(open_of(texts, 3, 1), 0);
	port_device_lacks(&set, &set.devices[0], lacks, sizeof(lacks));
	assert_non_null(strstr(lacks, "removal of VLAN tags, insertion of VLAN tags, "
				      "setting of an MTU (9600 wanted, it says 1500)"));
	for (int i = 1; i < 3; i++) {
		port_device_lacks(&set, &set.devices[i], lacks, sizeof(lacks));
		assert_non_null(strstr(lacks, "checksums on transmit (IPv4 UDP TCP)"));
		assert_null(strstr(lacks, "VLAN"));
		assert_null(strstr(lacks, "MTU"));
	}
	/* what a device can do is not */
	set.devices[0].rx_vlan = set.devices[0].tx_tcp_checksum = true;
	port_device_lacks(&set, &set.devices[0], lacks, sizeof(lacks));
	assert_null(strstr(lacks, "removal"));
	assert_non_null(strstr(lacks, "(IPv4 UDP)"));
	/* a short buffer holds its beginning */
	port_device_lacks(&set, &set.devices[0], lacks, 12);
	assert_int_equal(strlen(lacks), 11);
	port_set_close(&set);
}

static void test_refusals(void **state)
{
	static const char *const same_tag[] = {
		"name=a,device=net_null0,role=public,vlan=5",
		"name=b,device=net_null0,role=private,vlan=5",
	};
	static const char *const same_name[] = {
		"name=a,device=net_null0,role=public",
		"name=a,device=net_null1,role=private",
	};
	static const char *const missing[] = {
		"name=a,device=net_null0,role=public",
		"name=b,device=net_af_packet0:iface=nothere0,role=private",
	};
	static const char *const no_driver[] = { "name=a,device=net_nothing0,role=public" };
	static const char *const no_server[] = {
		"name=a,device=net_memif0:role=client:socket=/nonexistent/memif,role=public"
	};
	static const char *const no_pci[] = { "name=a,device=0000:ff:1f.7,role=public" };

	assert_int_equal(open_of(same_tag, 2, 1), -EEXIST);
	assert_non_null(strstr(fault.text, "already has a port with this tag"));
	assert_int_equal(open_of(same_name, 2, 1), -EEXIST);
	assert_non_null(strstr(fault.text, "two ports are named a"));
	assert_true(open_of(missing, 2, 1) < 0);
	assert_non_null(strstr(fault.text, "net_af_packet0:iface=nothere0"));
	assert_true(open_of(no_driver, 1, 1) < 0);
	assert_non_null(strstr(fault.text, "net_nothing0"));
	assert_true(open_of(no_server, 1, 1) < 0);
	assert_non_null(strstr(fault.text, "a memif client wants a server"));
	assert_true(open_of(no_pci, 1, 1) < 0);
	assert_non_null(strstr(fault.text, "0000:ff:1f.7"));
	assert_int_equal(rte_eth_dev_count_avail(), 0);
}

static void test_fewer_queues(void **state)
{
	static const char *const texts[] = { "name=a,device=net_null0,role=public,queues=1" };

	assert_int_equal(open_of(texts, 1, 4), 0);
	assert_int_equal(set.devices[0].rx_queues, 1);
	assert_int_equal(set.devices[0].tx_queues, 1);
	assert_int_equal(port_tx_worker(&set.devices[0], 0), 0);
	assert_int_equal(port_tx_worker(&set.devices[0], 3), 0);
	port_set_close(&set);
}

static uint32_t changes;

static void on_change(void *context, struct port *port)
{
	changes++;
}

static void test_link(void **state)
{
	static const char *const texts[] = { "name=a,device=net_null0,role=public" };
	struct link *link;

	assert_int_equal(open_of(texts, 1, 1), 0);
	assert_int_equal(link_open(&link, &set, on_change, NULL), 0);
	/* The state at start is no change. */
	assert_int_equal(changes, 0);
	assert_true(set.ports[1].up);
	assert_int_equal(rte_eth_dev_stop(set.devices[0].dpdk), 0);
	link_poll(link);
	link_poll(link);
	assert_int_equal(changes, 1);
	assert_false(set.ports[1].up);
	link_close(link);
	port_set_close(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),	       cmocka_unit_test(test_lacks),
		cmocka_unit_test(test_open_and_close), cmocka_unit_test(test_sub_ports),
		cmocka_unit_test(test_refusals),       cmocka_unit_test(test_link),
		cmocka_unit_test(test_fewer_queues),
	};

	test_eal_init();
	pool = rte_pktmbuf_pool_create("test", 8191, 0, 0, 2176, SOCKET_ID_ANY);
	if (!pool)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
