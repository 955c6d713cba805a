#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/vpngw/vpngw.json"
#define DEFAULT_FRR "/run/vpngw-frr"
#define DEFAULT_SOCKET "/run/vpngw/dataplane.sock"

enum {
	OPT_CHECK = 256,
	OPT_DATAPLANE,
	OPT_SOCKET,
	OPT_STATE,
	OPT_FRR,
	OPT_USER,
	OPT_LOG,
	OPT_KEY_LOG,
	OPT_NO_SANDBOX,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check-config", required_argument, NULL, OPT_CHECK },
	{ "dataplane-options", required_argument, NULL, OPT_DATAPLANE },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "frr", required_argument, NULL, OPT_FRR },
	{ "user", required_argument, NULL, OPT_USER },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "key-log", required_argument, NULL, OPT_KEY_LOG },
	{ "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

static const char help[] =
	"vpngw-control: IKE, tunnels, routes, configuration and the REST endpoint of vpngw\n"
	"\n"
	"  -c, --config FILE            configuration (default " DEFAULT_CONFIG ")\n"
	"      --check-config FILE      check a configuration, print what is wrong, and stop\n"
	"      --dataplane-options FILE print the options of vpngw-dataplane for a configuration\n"
	"      --socket PATH            where the data plane listens (default " DEFAULT_SOCKET ")\n"
	"      --state DIR              state directory (default: the configuration's)\n"
	"      --frr DIR                folder shared with FRR (default " DEFAULT_FRR ")\n"
	"      --user NAME              become this user after start\n"
	"      --log LEVELS             for example info or info,ike=debug\n"
	"      --key-log FILE           write the keys of IKE SAs as Wireshark's table\n"
	"                               ikev2_decryption_table; never on a live site\n"
	"      --no-sandbox             leave system calls unfiltered, for debuggers\n"
	"      --help, --version\n"
	"\n"
	"Signals: TERM and INT stop, HUP reads the configuration file again.\n"
	"Example: vpngw-control --config config/demo.json --user vpngw\n";

static void option_set(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'c':
		options->config = value;
		break;
	case OPT_CHECK:
		options->check_config = value;
		break;
	case OPT_DATAPLANE:
		options->dataplane_options = value;
		break;
	case OPT_SOCKET:
		options->socket = value;
		break;
	case OPT_STATE:
		options->state = value;
		break;
	case OPT_FRR:
		options->frr = value;
		break;
	case OPT_USER:
		options->user = value;
		break;
	case OPT_LOG:
		options->log = value;
		break;
	case OPT_KEY_LOG:
		options->key_log = value;
		break;
	default:
		options->no_sandbox = true;
		break;
	}
}

enum options_result options_parse(struct options *options, int argc, char **argv)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->config = DEFAULT_CONFIG;
	options->socket = DEFAULT_SOCKET;
	options->frr = DEFAULT_FRR;
	while ((option = getopt_long(argc, argv, "c:", long_options, NULL)) != -1) {
		switch (option) {
		case '?':
			fprintf(stderr, "vpngw-control: see vpngw-control --help\n");
			return OPTIONS_WRONG;
		case OPT_HELP:
			fputs(help, stdout);
			return OPTIONS_DONE;
		case OPT_VERSION:
			puts("vpngw-control " VPNGW_VERSION);
			return OPTIONS_DONE;
		default:
			option_set(options, option, optarg);
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"vpngw-control: unexpected argument '%s'; see vpngw-control --help\n",
			argv[optind]);
		return OPTIONS_WRONG;
	}
	return OPTIONS_RUN;
}
