#pragma once
/*
 * Rows of a table of causes and their accessors: for what a decoder refuses (error.h) and for what
 * an IKE SA ends of (ikev2/reason.h). A number outside the table has no text, only "?".
 */
#include <stddef.h>
#include <stdint.h>

struct ike_outcome {
	const char *name;
	const char *sentence;
	uint16_t number; /* of the notify to send, of the API's error */
};

struct ike_outcomes {
	const struct ike_outcome *rows;
	size_t count;
};

/* The row; "?" when there is none. */
const struct ike_outcome *ike_outcome_of(struct ike_outcomes table, size_t which);
