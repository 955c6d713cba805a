/*
 * DOC: vpngw-control
 *
 * IKE, tunnels, routes, configuration and the REST endpoint. It may start before the data plane or
 * after it, and either may restart at any time.
 */
#include "program.h"

#include "offline.h"

#include "base/log.h"

/* Starts the stages in order; a failure stops what has started and says which one it was. */
static int run(struct program *program)
{
	unsigned int started;
	int rc = 0;

	for (started = 0; started < program_stage_count; started++) {
		rc = program_stages[started].start(program);
		if (rc < 0) {
			log_debug("control", "stopped at start: %s", program_stages[started].name);
			break;
		}
	}
	if (rc == 0)
		rc = event_loop_run(program->loop);
	while (started--)
		if (program_stages[started].stop)
			program_stages[started].stop(program);
	return rc < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct program program;

	switch (options_parse(&program.options, argc, argv)) {
	case OPTIONS_WRONG:
		return 2;
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_RUN:
		break;
	}
	if (program.options.check_config)
		return offline_check(program.options.check_config);
	if (program.options.dataplane_options)
		return offline_dataplane_options(program.options.dataplane_options);
	return run(&program);
}
