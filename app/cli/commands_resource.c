/*
 * Any page of the endpoint, and actions on one resource.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static enum cli_exit resource_get(struct cli *cli, char **arguments, int count)
{
	return cli_print(cli, arguments[0]);
}

static enum cli_exit resource_put(struct cli *cli, char **arguments, int count)
{
	char *body = cli_file_read(arguments[1]);
	enum cli_exit code = body ? cli_change(cli, "PUT", arguments[0], body) : CLI_FAILED;

	free(body);
	return code;
}

static enum cli_exit delete (struct cli *cli, char **arguments, int count) {
	return cli_change(cli, "DELETE", arguments[0], NULL);
}

static enum cli_exit reset(struct cli *cli, char **arguments, int count)
{
	char path[256];
	enum cli_exit code =
		cli_path(path, sizeof(path),
			 cli_option(cli, "drain") ? "/connections/%s/resetconnection?drain=true"
						  : "/connections/%s/resetconnection",
			 arguments[0]);

	return code == CLI_DONE ? cli_change(cli, "POST", path, NULL) : code;
}

/* Of the children, or with --ike of the IKE SAs. */
static enum cli_exit rekey(struct cli *cli, char **arguments, int count)
{
	char path[256];
	enum cli_exit code = cli_path(path, sizeof(path),
				      cli_option(cli, "ike") ? "/connections/%s/rekeyike"
							     : "/connections/%s/rekey",
				      arguments[0]);

	return code == CLI_DONE ? cli_change(cli, "POST", path, NULL) : code;
}

static const struct cli_option reset_options[] = {
	{ "drain", NULL, "flows leave first, then new SAs: no packet is lost" },
	{ NULL },
};

static const struct cli_option rekey_options[] = {
	{ "ike", NULL, "of the IKE SAs instead of their children" },
	{ NULL },
};

static enum cli_exit reset_gateway(struct cli *cli, char **arguments, int count)
{
	char path[256];
	enum cli_exit code =
		cli_path(path, sizeof(path),
			 cli_option(cli, "drain") ? "/virtualNetworkGateways/%s/reset?drain=true"
						  : "/virtualNetworkGateways/%s/reset",
			 arguments[0]);

	return code == CLI_DONE ? cli_change(cli, "POST", path, NULL) : code;
}

static const struct command resource_commands[] = {
	{ "reset", "CONNECTION", "tears a connection's tunnels down and dials anew",
	  "vpngw reset to-branch --drain", 1, 1, reset, reset_options },
	{ "rekey", "CONNECTION", "negotiates new keys now; no packet is lost",
	  "vpngw rekey to-branch", 1, 1, rekey, rekey_options },
	{ "reset-gateway", "GATEWAY", "the same for the tunnels of a gateway's primary address",
	  "vpngw reset-gateway gw --drain", 1, 1, reset_gateway, reset_options },
	{ "get", "PATH", "any page", "vpngw get /connections/to-branch", 1, 1, resource_get, NULL },
	{ "put", "PATH FILE", "makes or changes a resource (FILE -: standard input)",
	  "vpngw put /localNetworkGateways/site1 site1.json", 2, 2, resource_put, NULL },
	{ "delete", "PATH", "takes a resource away", "vpngw delete /connections/old", 1, 1, delete,
	  NULL },
};

const struct command_set cli_resource_commands = {
	"Resources", resource_commands, sizeof(resource_commands) / sizeof(resource_commands[0])
};
