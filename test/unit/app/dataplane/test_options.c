#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct options options;
static struct options_fault fault;

#define PARSE(...) parse((char *const[]){ (char *)"vpngw-dataplane", __VA_ARGS__, NULL })
#define PORT(text) (char *)"--port", (char *)(text)
#define PUBLIC "name=pub0,device=net_null0,role=public"

static int parse(char *const argv[])
{
	int argc = 0;

	while (argv[argc])
		argc++;
	memset(&fault, 0, sizeof(fault));
	return options_parse(&options, argc, argv, &fault);
}

static void test_whole_line(void **state)
{
	assert_int_equal(PARSE(PORT("name=pub0,device=net_af_packet0:iface=veth0,role=public,mtu="
				    "9000,vlan=7,queues=2,descriptors=512"),
			       PORT("name=lan0,device=0000:01:00.0,role=private,mirror=lan"),
			       (char *)"--cores=1,2-4,4", (char *)"--idle", (char *)"rest",
			       (char *)"--max-sas", (char *)"100000", (char *)"--no-huge",
			       (char *)"--spread-inbound", (char *)"--memory", (char *)"512",
			       (char *)"--netns", (char *)"gw", (char *)"--main-core", (char *)"0"),
			 0);
	assert_int_equal(options.mode, OPTIONS_RUN);
	assert_int_equal(options.port_count, 2);
	assert_string_equal(options.ports[0].device, "net_af_packet0:iface=veth0");
	assert_string_equal(options.ports[0].mirror, "vg-pub0");
	assert_int_equal(options.ports[0].mtu, 9000);
	assert_int_equal(options.ports[0].vlan, 7);
	assert_int_equal(options.ports[0].queues, 2);
	assert_int_equal(options.ports[0].descriptors, 512);
	assert_null(port_options_pci(&options.ports[0]));
	assert_string_equal(port_options_pci(&options.ports[1]), "0000:01:00.0");
	assert_string_equal(options.ports[1].mirror, "lan");
	assert_int_equal(options.worker_count, 5);
	assert_int_equal(options.cpus[3], 4);
	assert_int_equal(options.cpus[4], 4);
	assert_true(options.rest);
	assert_true(options.spread);
	assert_false(options.huge);
	assert_int_equal(options.memory_mb, 512);
	assert_int_equal(options.sizes.sas, 100000);
	assert_string_equal(options.netns, "gw");
	assert_true(options.main_cpu_given);
	assert_int_equal(options.tun_count, 1);
	assert_string_equal(options.tuns[0].interface, "vg-tun0");
}

static void test_workers_and_tuns(void **state)
{
	assert_int_equal(PARSE(PORT(PUBLIC), (char *)"--workers", (char *)"1@1,2@1",
			       (char *)"--tun", (char *)"name=t0", (char *)"--tun",
			       (char *)"name=t1,instance=1,mtu=1300,domain=2",
			       (char *)"--max-domains", (char *)"3"),
			 0);
	assert_int_equal(options.tuns[1].domain, 2);
	assert_int_equal(options.worker_count, 2);
	assert_int_equal(options.cpus[0], 1);
	assert_int_equal(options.cpus[1], 1);
	assert_int_equal(options.tun_count, 2);
	assert_int_equal(options.tuns[1].instance, 1);
	assert_int_equal(options.tuns[1].mtu, 1300);
}

static void test_modes_need_no_port(void **state)
{
	assert_int_equal(PARSE((char *)"--help"), 0);
	assert_int_equal(options.mode, OPTIONS_HELP);
	assert_int_equal(PARSE((char *)"--version"), 0);
	assert_int_equal(options.mode, OPTIONS_VERSION);
	assert_int_equal(PARSE((char *)"--graph"), 0);
	assert_int_equal(options.mode, OPTIONS_GRAPH);
}

/* Each with the part of the sentence that says what is wrong. */
static void test_wrong_lines(void **state)
{
	static const struct {
		const char *words[5];
		const char *says;
	} lines[] = {
		{ { "--frobnicate" }, "unknown option --frobnicate" },
		{ { "stray" }, "unexpected argument stray" },
		{ { NULL }, "no port given" },
		{ { "--port" }, "--port needs a value" },
		{ { "--port", "name=a" }, "device= is missing" },
		{ { "--port", "name=a,device=net_null0" },
		  "role= is missing (public, private, both or circuit)" },
		{ { "--port", "name=a,device=net_null0,role=outside" },
		  "role= is one of public, private, both and circuit" },
		{ { "--port", "name=a,device=net_null0,role=public,mtu=100000" }, "mtu= takes" },
		{ { "--port", "name=a,device=net_null0,role=public,vlan=4095" }, "vlan= takes" },
		{ { "--port", "name=a,device=net_null0,role=public,color=red" }, "unknown key" },
		{ { "--port", "name=a,role=public,device=net_af_packet0,iface=lo" },
		  "iface=lo: unknown key: known are name, device, role, mtu, vlan, mirror, queues "
		  "and descriptors; arguments of a virtual device follow it after colons" },
		{ { "--port", "pub0" }, "not key=value" },
		{ { "--port", "name=longer-than-an-interface,device=net_null0,role=public" },
		  "give mirror=" },
		{ { "--port", PUBLIC, "--port", PUBLIC }, "two ports are named pub0" },
		{ { "--port", PUBLIC, "--port", "name=b,device=net_null0,role=private" },
		  "ports pub0 and b: both take the untagged traffic of net_null0" },
		{ { "--port", "name=a,device=net_null0,role=public,vlan=5", "--port",
		    "name=b,device=net_null0,role=private,vlan=5" },
		  "ports a and b: both take the tag 5 of net_null0" },
		{ { "--port", PUBLIC, "--port",
		    "name=b,device=net_null1,role=private,mirror=vg-pub0" },
		  "ports pub0 and b have the same mirror vg-pub0" },
		{ { "--port", PUBLIC ",mirror=vg-tun0" }, "--tun name=vg-tun0: another TUN" },
		{ { "--port", PUBLIC, "--tun=name=x", "--tun=name=x" },
		  "--tun name=x: another TUN" },
		{ { "--port", PUBLIC, "--buffers", "383" }, "from 384 to" },
		{ { "--port", PUBLIC, "--cores", "4-1" }, "expected CPUs" },
		{ { "--port", PUBLIC, "--cores", "x" }, "expected CPUs" },
		{ { "--port", PUBLIC, "--workers", "2@1" }, "counted from 1" },
		{ { "--port", PUBLIC, "--workers", "1" }, "expected 1@CPU" },
		{ { "--port", PUBLIC, "--idle", "sleep" }, "poll or rest" },
		{ { "--port", PUBLIC, "--memory", "1" }, "from 64" },
		{ { "--port", PUBLIC, "--max-sas", "-1" }, "--max-sas -1" },
		{ { "--port", PUBLIC, "--max-sas", "1048577" }, "to 1048576" },
		{ { "--port", PUBLIC, "--no-huge=1" }, "takes no value" },
		{ { "--port", PUBLIC, "--tun", "mtu=1400" }, "name= is missing" },
		{ { "--port", PUBLIC, "--tun", "name=t,mtu=1" }, "mtu= 576" },
		{ { "--port", PUBLIC, "--socket", "" }, "--socket" },
		{ { "@/nonexistent/options" }, "/nonexistent/options: cannot read" },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *argv[7] = { (char *)"vpngw-dataplane" };

		for (size_t j = 0; j < 5 && lines[i].words[j]; j++)
			argv[j + 1] = (char *)lines[i].words[j];
		assert_int_equal(parse(argv), -22);
		if (!strstr(fault.text, lines[i].says))
			fail_msg("line %zu: \"%s\" does not say \"%s\"", i, fault.text,
				 lines[i].says);
	}
}

static void test_file(void **state)
{
	char path[] = "/tmp/vpngw-options-XXXXXX";
	char word[64];
	int fd = mkstemp(path);
	static const char text[] = "# what the launcher wrote\n\n"
				   "--port name=pub0,device=net_null0,role=public\n"
				   "  port   name=lan0,device=net_null1,role=private  \r\n"
				   "--idle=rest\nno-huge\n";

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	snprintf(word, sizeof(word), "@%s", path);
	assert_int_equal(PARSE(word, (char *)"--cores", (char *)"0"), 0);
	unlink(path);
	assert_int_equal(options.port_count, 2);
	assert_string_equal(options.ports[1].name, "lan0");
	assert_int_equal(options.ports[1].role, CONTRACT_PRIVATE);
	assert_true(options.rest);
	assert_false(options.huge);
	assert_int_equal(options.worker_count, 1);
}

static void test_sizing(void **state)
{
	uint32_t one;

	assert_int_equal(PARSE(PORT(PUBLIC)), 0);
	one = port_buffers_needed(options.ports, 1, 1);
	assert_int_equal(port_buffers_needed(options.ports, 1, 2), 2 * one);
	assert_int_equal(port_data_room(options.ports, 1), 2048 + 128);
	/* A sub-port shares the buffers of its device. */
	assert_int_equal(PARSE(PORT(PUBLIC), PORT("name=sub,device=net_null0,role=private,vlan=5,"
						  "mtu=9000")),
			 0);
	assert_int_equal(port_buffers_needed(options.ports, 2, 1), one);
	assert_true(port_data_room(options.ports, 2) >= 9022 + 128);
	/* Linux joins fragments there, and the driver wants a buffer for the whole of its frame. */
	assert_int_equal(PARSE(PORT("name=pub0,device=net_af_packet0:iface=x,role=public")), 0);
	assert_int_equal(port_data_room(options.ports, 1), PORT_JOINED + 128);
	assert_int_equal(port_buffers_needed(options.ports, 1, 1), 0);
	assert_int_equal(PARSE(PORT("name=pub0,device=net_af_packet0:framesz=4096,role=public")),
			 0);
	assert_int_equal(port_data_room(options.ports, 1), 4096 + 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_line),
		cmocka_unit_test(test_workers_and_tuns),
		cmocka_unit_test(test_modes_need_no_port),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_sizing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
