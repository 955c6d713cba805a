/*
 * Sessions that a limit of prefixes ended, by summaries of FRR and new configurations in any order:
 * a higher limit brings a session back at once, another one does not. The socket is a stub.
 */
#include "cmocka_all.h"
#include "control/bgp/state.h"

#include <stdio.h>
#include <string.h>

#define PEER "10.9.0.1"

static struct bgp_session session;
static struct bgp_known known;
static struct bgp bgp = { .sessions = &session, .known = &known, .count = 1 };
static struct daemon daemon_i0 = { .bgp = &bgp };
static uint32_t clears;

void vty_send(struct vty *vty, const char *command, vty_done done, void *context)
{
	assert_string_equal(command, "clear bgp " PEER);
	clears++;
}

void tunnels_each(struct tunnels *all, const char *connection, tunnels_visit visit, void *context)
{
}

static void summary(const char *state, unsigned int prefixes)
{
	char text[256];
	int n = snprintf(text, sizeof(text),
			 "{\"ipv4Unicast\":{\"peers\":{\"" PEER
			 "\":{\"state\":\"%s\",\"pfxRcd\":%u}}}}",
			 state, prefixes);

	bgp_status_take(&bgp, 0, text, (size_t)n);
	bgp_status_clear(&bgp, &daemon_i0, 0);
}

/*
 * A row is what happens: w100 a configuration wants this limit, f FRR has it, u a summary shows the
 * session up, e one shows it ended for its limit, i idle, l the daemon is lost; and after each how
 * often it was cleared so far.
 */
struct row {
	const char *name;
	const char *steps;
};

static const struct row rows[] = {
	{ "ended, then higher", "w100=0 f=0 u=0 e=0 w200=0 f=1 i=1 u=1" },
	{ "ended, then higher, once", "w100=0 f=0 u=0 e=0 w200=0 f=1 e=1 e=1 w300=1 f=2" },
	{ "ended, then lower", "w100=0 f=0 u=0 e=0 w50=0 f=0 e=0 w100=0 f=0 w101=0 f=1" },
	{ "ended, wanted, seen, configured", "w100=0 f=0 u=0 w200=0 e=0 f=1 u=1" },
	{ "ended, wanted, configured, seen", "w100=0 f=0 u=0 w200=0 f=0 e=1 e=1 u=1" },
	{ "ended for the new one, which is higher", "w100=0 f=0 u=0 w200=0 f=0 u=0 e=0 e=0" },
	{ "ended for the new one, which is lower", "w100=0 f=0 u=0 w50=0 f=0 e=0 e=0" },
	{ "without a limit from now on", "w100=0 f=0 u=0 w0=0 f=0 e=1" },
	{ "with a limit from now on", "w0=0 f=0 u=0 w100=0 f=0 e=0 e=0" },
	{ "ended before we were here", "w100=0 e=0 f=0 e=0 w200=0 f=1" },
	{ "a daemon that starts anew", "w100=0 f=0 u=0 w200=0 l=0 e=0 f=0 e=0" },
};

static void step(const char *word)
{
	switch (word[0]) {
	case 'w':
		sscanf(word + 1, "%u", &session.is.prefix_limit);
		break;
	case 'f':
		bgp_status_limits(&bgp, 0);
		bgp_status_clear(&bgp, &daemon_i0, 0);
		break;
	case 'l':
		bgp_status_lost(&bgp, 0);
		break;
	default:
		summary(word[0] == 'u'	 ? "Established"
			: word[0] == 'e' ? "Idle (PfxCt)"
					 : "Idle",
			word[0] == 'u' ? 10 : 0);
	}
}

static void limits(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char copy[128];
		char *rest = copy;
		char *word;

		snprintf(copy, sizeof(copy), "%s", rows[i].steps);
		memset(&known, 0, sizeof(known));
		clears = 0;
		while ((word = strsep(&rest, " "))) {
			step(word);
			if (clears != (uint32_t)(strchr(word, '=')[1] - '0'))
				fail_msg("%s: %u clears after \"%s\", before \"%s\"", rows[i].name,
					 clears, word, rest ? rest : "the end");
		}
	}
}

/* The warning and the near limit stay with what they were. */
static void what_is_known(void **state)
{
	memset(&known, 0, sizeof(known));
	session.is.prefix_limit = 12;
	bgp_status_limits(&bgp, 0);
	summary("Established", 9);
	assert_int_equal(known.state, BGP_CONNECTED);
	assert_int_equal(known.received, 9);
	assert_true(known.near_limit);
	session.is.prefix_limit = 100;
	bgp_status_limits(&bgp, 0);
	summary("Idle (PfxCt)", 0);
	assert_int_equal(known.state, BGP_STOPPED);
	assert_int_equal(known.ended_at, 100); /* it was cleared for that */
	assert_false(known.near_limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits),
		cmocka_unit_test(what_is_known),
	};

	session.name = "t";
	assert_int_equal(net_addr_parse(&session.is.peer, PEER), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
