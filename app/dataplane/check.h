#pragma once
/*
 * What would keep the program from starting and can be found before DPDK is there. By
 * --check-config and by the start itself, so that both say the same.
 */
#include "options.h"

struct check_fault {
	char text[512];
};

/* What only other options mend: -EINVAL with the sentence. */
__attribute__((warn_unused_result)) int check_start(const struct options *options,
						    struct check_fault *fault);
/* What this machine does not have now and may have at the start: prints a line for each. */
void check_machine(const struct options *options);
