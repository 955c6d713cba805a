#pragma once
/*
 * The command line of vpngw-dataplane. "@FILE" stands for the options in a file, one per line
 * ("--port name=..." or "port name=..."), with empty lines and lines that start with # left out.
 */
#include "dataplane/kernel/mirror.h"
#include "dataplane/port/port.h"

#define OPTIONS_WORKERS 32
#define OPTIONS_TUNS 16
#define OPTIONS_BUFFER_CACHE 256 /* packet buffers that a worker keeps at hand */
/* DPDK makes no pool that is smaller than this for such a cache. */
#define OPTIONS_BUFFERS_LEAST (OPTIONS_BUFFER_CACHE * 3 / 2)

struct options_sizes {
	uint32_t sas;
	uint32_t tunnels;
	uint32_t children;
	uint32_t groups;
	uint32_t nexthops;
	uint32_t neighbours;
	uint32_t addresses;
	uint32_t limits;
	uint32_t routes4;
	uint32_t routes6;
	uint32_t domains;
};

enum options_mode { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_GRAPH, OPTIONS_CHECK };

struct options {
	enum options_mode mode;
	char socket[108];
	struct port_options ports[PORT_MAX];
	uint32_t port_count;
	struct mirror_options tuns[OPTIONS_TUNS];
	uint32_t tun_count;
	uint16_t cpus[OPTIONS_WORKERS]; /* of worker 0, 1, ... */
	uint16_t worker_count;
	uint16_t main_cpu;
	bool main_cpu_given;
	bool rest;	    /* idle workers rest */
	bool spread;	    /* several workers open the packets of one SA */
	bool huge;	    /* hugepages */
	uint32_t memory_mb; /* 0: computed from the sizes */
	uint32_t buffers;   /* packet buffers; 0: computed */
	struct options_sizes sizes;
	char netns[128];
	char group[64]; /* "": the socket stays ours */
	char log[128];
};

struct options_fault {
	char text[640];
};

/* 0, or -EINVAL with one sentence. */
__attribute__((warn_unused_result)) int options_parse(struct options *options, int argc,
						      char *const argv[],
						      struct options_fault *fault);
const char *options_help(void);
