#pragma once
/*
 * What the process may do once it has started: another user, two capabilities, no core dump, no
 * new privileges, and only the system calls that the event loop needs.
 */

/* 0 or -errno with a sentence on stderr. */
__attribute__((warn_unused_result)) int privileges_check(const char *user);
__attribute__((warn_unused_result)) int privileges_drop(const char *user);
/* The state directory and its files go to the user that the process becomes; before the drop. */
__attribute__((warn_unused_result)) int privileges_hand_over(const char *user,
							     const char *directory);
__attribute__((warn_unused_result)) int privileges_sandbox(void);
/* No core dump and no tracing by others: before the first secret. */
__attribute__((warn_unused_result)) int privileges_no_core(void);
