#include "dataplane/port/port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MTU_MIN 576
#define PORT_MTU_MAX 9600
#define PORT_MTU_DEFAULT 1500
#define PORT_DESCRIPTORS 1024
#define PORT_DESCRIPTORS_MAX 32768
#define PORT_QUEUES_MAX 64

__attribute__((format(printf, 3, 4))) static int options_fault(struct port_fault *fault,
							       const char *text, const char *format,
							       ...)
{
	va_list args;
	int n = snprintf(fault->text, sizeof(fault->text), "--port %.120s: ", text);

	va_start(args, format);
	vsnprintf(fault->text + n, sizeof(fault->text) - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

static bool options_number(const char *text, unsigned long least, unsigned long most,
			   uint16_t *value)
{
	char *end;
	unsigned long number;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || number < least || number > most)
		return false;
	*value = (uint16_t)number;
	return true;
}

static bool options_role(const char *text, uint8_t *role)
{
	if (!strcmp(text, "public"))
		*role = CONTRACT_PUBLIC;
	else if (!strcmp(text, "private"))
		*role = CONTRACT_PRIVATE;
	else if (!strcmp(text, "both"))
		*role = CONTRACT_PUBLIC | CONTRACT_PRIVATE;
	else if (!strcmp(text, "circuit"))
		*role = CONTRACT_PRIVATE | CONTRACT_CIRCUIT;
	else
		return false;
	return true;
}

static bool options_copy(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (!n || n >= size)
		return false;
	memcpy(to, from, n + 1);
	return true;
}

/* False when the key is unknown or the value is not one of its values. */
static const char *options_set(struct port_options *options, const char *key, const char *value)
{
	if (!strcmp(key, "name"))
		return options_copy(options->name, sizeof(options->name), value)
			       ? NULL
			       : "name= takes 1 to 31 characters";
	if (!strcmp(key, "device"))
		return options_copy(options->device, sizeof(options->device), value)
			       ? NULL
			       : "device= takes a PCI address or a virtual device of at most 127 "
				 "characters";
	if (!strcmp(key, "mirror"))
		return options_copy(options->mirror, sizeof(options->mirror), value)
			       ? NULL
			       : "mirror= takes an interface name of at most 15 characters";
	if (!strcmp(key, "role"))
		return options_role(value, &options->role)
			       ? NULL
			       : "role= is one of public, private, both and circuit";
	if (!strcmp(key, "mtu"))
		return options_number(value, PORT_MTU_MIN, PORT_MTU_MAX, &options->mtu)
			       ? NULL
			       : "mtu= takes 576 to 9600";
	if (!strcmp(key, "vlan"))
		return options_number(value, 1, 4094, &options->vlan) ? NULL
								      : "vlan= takes 1 to 4094";
	if (!strcmp(key, "queues"))
		return options_number(value, 1, PORT_QUEUES_MAX, &options->queues)
			       ? NULL
			       : "queues= takes 1 to 64";
	if (!strcmp(key, "descriptors"))
		return options_number(value, 64, PORT_DESCRIPTORS_MAX, &options->descriptors)
			       ? NULL
			       : "descriptors= takes 64 to 32768";
	return "unknown key: known are name, device, role, mtu, vlan, mirror, queues and "
	       "descriptors; arguments of a virtual device follow it after colons, as in "
	       "device=net_af_packet0:iface=veth0";
}

static int options_complete(struct port_options *options, const char *text,
			    struct port_fault *fault)
{
	if (!options->name[0])
		return options_fault(fault, text, "name= is missing");
	if (!options->device[0])
		return options_fault(fault, text, "device= is missing");
	if (!options->role)
		return options_fault(fault, text,
				     "role= is missing (public, private, both or circuit)");
	if (!options->mirror[0] && snprintf(options->mirror, sizeof(options->mirror), "vg-%s",
					    options->name) >= (int)sizeof(options->mirror))
		return options_fault(fault, text,
				     "the name is too long for an interface name: give mirror= one "
				     "of at most 15 characters");
	return 0;
}

int port_options_parse(struct port_options *options, const char *text, struct port_fault *fault)
{
	char copy[512];
	char *rest = copy;
	char *pair;

	memset(options, 0, sizeof(*options));
	options->mtu = PORT_MTU_DEFAULT;
	options->descriptors = PORT_DESCRIPTORS;
	if (!options_copy(copy, sizeof(copy), text))
		return options_fault(fault, text, "expected name=...,device=...,role=...");
	while ((pair = strsep(&rest, ","))) {
		char *value = strchr(pair, '=');
		const char *wrong;

		if (!value)
			return options_fault(fault, text, "\"%s\" is not key=value", pair);
		*value++ = '\0';
		wrong = options_set(options, pair, value);
		if (wrong)
			return options_fault(fault, text, "%s=%s: %s", pair, value, wrong);
	}
	return options_complete(options, text, fault);
}

static bool options_hex(const char **at, uint32_t least, uint32_t most)
{
	uint32_t n = 0;

	while (strchr("0123456789abcdefABCDEF", **at) && **at) {
		(*at)++;
		n++;
	}
	return n >= least && n <= most;
}

/* [domain:]bus:device.function, in hexadecimal. */
const char *port_options_pci(const struct port_options *options)
{
	const char *at = options->device;
	uint32_t colons = 0;

	for (const char *p = at; *p; p++)
		colons += *p == ':';
	if (colons == 2 && (!options_hex(&at, 4, 8) || *at++ != ':'))
		return NULL;
	if (!options_hex(&at, 2, 2) || *at++ != ':')
		return NULL;
	if (!options_hex(&at, 2, 2) || *at++ != '.')
		return NULL;
	if (!options_hex(&at, 1, 1) || *at)
		return NULL;
	return options->device;
}

bool port_options_joins(const char *device)
{
	return !strncmp(device, "net_af_packet", 13);
}

uint32_t port_buffers_needed(const struct port_options *options, uint32_t count, uint16_t workers)
{
	uint32_t buffers = 0;

	for (uint32_t i = 0; i < count; i++) {
		bool first = true;

		for (uint32_t j = 0; j < i; j++)
			first &= strcmp(options[i].device, options[j].device) != 0;
		if (first && !port_options_joins(options[i].device))
			buffers += 2u * options[i].descriptors * workers;
	}
	return buffers;
}

/* Bytes of the longest frame that the device gives: one with two tags before the MTU at least. */
static uint32_t frame_bytes(const struct port_options *options)
{
	const char *given = strstr(options->device, "framesz=");
	uint32_t bytes = options->mtu + 22;

	if (!port_options_joins(options->device))
		return bytes;
	return given ? (uint32_t)strtoul(given + 8, NULL, 10) : PORT_JOINED;
}

uint16_t port_data_room(const struct port_options *options, uint32_t count)
{
	uint32_t bytes = 2048; /* at least, as NICs write whole kilobytes */

	for (uint32_t i = 0; i < count; i++)
		if (frame_bytes(&options[i]) > bytes)
			bytes = frame_bytes(&options[i]);
	bytes = RTE_ALIGN_CEIL(bytes, 64) + RTE_PKTMBUF_HEADROOM;
	return (uint16_t)RTE_MIN(bytes, (uint32_t)UINT16_MAX);
}
