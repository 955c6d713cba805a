/*
 * A producer that dies at any instruction of a put: it is stepped through one at a time, and after
 * each step a consumer looks at the ring as if the producer were dead now. It finds what was
 * published before, then the new record whole or not at all; and once there, it stays.
 */
#include "../cmocka_all.h"
#include "contract/ring.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES 4096u
#define STEPS_MAX 2000000
#define FIRST 1001
#define SECOND 1002
#define BODY 200

static struct ring_shared *shared;
static uint8_t *data;
static uint64_t message[CONTRACT_MESSAGE_MAX / 8];

static int put(struct ring *ring, uint64_t request)
{
	struct contract_header header = { .length = 16 + 8 + BODY,
					  .type = CONTRACT_SEND,
					  .request = request };
	uint8_t body[BODY];
	struct channel_part parts[] = { { &header, sizeof(header) },
					{ &request, sizeof(request) },
					{ body, sizeof(body) } };

	memset(body, (int)(request & 0xff), sizeof(body));
	return ring_put(ring, parts, 3, header.length, 0);
}

static void prepare(void)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, BYTES), 0);
	data = mmap(NULL, 2 * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < 2; i++)
		assert_ptr_not_equal(mmap(data + i * BYTES, BYTES, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_FIXED, fd, 0),
				     MAP_FAILED);
	close(fd);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
}

static void assert_whole(uint64_t request)
{
	const struct contract_header *m = (const void *)message;

	assert_int_equal(m->length, 16 + 8 + BODY);
	assert_int_equal(m->request, request);
	assert_int_equal(message[2], request);
	for (size_t i = 24; i < m->length; i++)
		assert_int_equal(((const uint8_t *)message)[i], request & 0xff);
}

/* What the survivor would read; the ring is left as it was found. */
static int look(const struct ring *consumer)
{
	struct ring survivor = *consumer;
	uint64_t head = shared->head;
	int found = 0;

	while (ring_get(&survivor, message) == 1)
		assert_whole(found++ == 0 ? FIRST : SECOND);
	assert_false(survivor.broken);
	shared->head = head;
	return found;
}

static _Noreturn void produce(struct ring *producer)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(77);
	raise(SIGSTOP);
	if (put(producer, SECOND) || !ring_wants_wake(producer))
		_exit(1);
	raise(SIGSTOP);
	_exit(0);
}

/* 1 while it can be stepped on; 0 when it stopped behind the put. */
static int step(pid_t child)
{
	int status = 0;

	if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL))
		return -errno;
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		return -ECHILD;
	return WSTOPSIG(status) == SIGTRAP;
}

static void test_put(void **state)
{
	unsigned steps = 0, published_at = 0;
	struct ring producer, consumer;
	int status = 0, rc, found;
	pid_t child;

	prepare();
	/* The records lie across the end of the data, where it is mapped twice. */
	ring_init(&producer, shared, data, BYTES);
	producer.at = producer.other = BYTES - 304;
	shared->tail = shared->head = producer.at;
	consumer = producer;
	assert_int_equal(put(&producer, FIRST), 0);
	shared->sleeping = 1;
	child = fork();
	if (child == 0)
		produce(&producer);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	while ((rc = step(child)) == 1 && steps < STEPS_MAX) {
		steps++;
		found = look(&consumer);
		assert_in_range(found, published_at ? 2 : 1, 2);
		if (found == 2 && !published_at)
			published_at = steps;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(look(&consumer), 2);
	assert_true(published_at > 0);
	assert_int_equal(shared->sleeping, 0);
	print_message("%u instructions, the record is there from the %uth\n", steps, published_at);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
