/*
 * DOC: REST benchmark
 *
 * Readers on keep-alive TLS connections against a running endpoint: bench_rest PORT TOKEN-FILE PID
 * SECONDS CONNECTIONS PATH... asks for the paths in turn and says how many answers came a second,
 * how long one took, and how much processor time vpngw-control (PID) spent on each: on a machine
 * that others use, requests per second of its processor time is the figure to compare. Every
 * answer's status and length are checked; what is not 200 is counted and told.
 */
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READERS_MAX 64
#define SAMPLES_MAX 200000

struct bench {
	uint16_t port;
	char token[128];
	char **paths;
	int path_count;
	double seconds;
	SSL_CTX *tls;
};

struct reader {
	const struct bench *bench;
	pthread_t thread;
	uint64_t good, refused, bytes;
	float *samples; /* microseconds */
	size_t sample_count;
	const char *failed;
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Of all threads of the program. */
static double used_s(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts) < 0)
		return -1;
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static SSL *connect_tls(const struct bench *bench)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(bench->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(bench->tls);
	int on = 1;

	if (fd < 0 || !ssl || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		return NULL;
	return ssl;
}

/* One answer: its status, or 0 with what went wrong. */
static int answer_read(SSL *ssl, size_t *bytes)
{
	static _Thread_local char buffer[1 << 20];
	size_t n = 0, wanted = 0;

	do {
		int got = SSL_read(ssl, buffer + n, (int)(sizeof(buffer) - 1 - n));
		char *end, *length;

		if (got <= 0)
			return 0;
		n += (size_t)got;
		buffer[n] = '\0';
		end = wanted ? NULL : strstr(buffer, "\r\n\r\n");
		length = end ? strcasestr(buffer, "content-length:") : NULL;
		if (length && length < end)
			wanted = (size_t)(end + 4 - buffer) + strtoul(length + 15, NULL, 10);
	} while (!wanted || n < wanted);
	*bytes = n;
	return n == wanted && !strncmp(buffer, "HTTP/1.1 ", 9) ? (int)strtol(buffer + 9, NULL, 10)
							       : 0;
}

static void *reader_run(void *argument)
{
	struct reader *r = argument;
	const struct bench *bench = r->bench;
	double end = now_s() + bench->seconds;
	SSL *ssl = connect_tls(bench);

	if (!ssl)
		r->failed = "cannot connect";
	for (uint64_t i = 0; !r->failed && now_s() < end; i++) {
		char request[1024];
		double begun = now_s();
		size_t bytes = 0;
		int n = snprintf(request, sizeof(request),
				 "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
				 "%s\r\n\r\n",
				 bench->paths[i % (uint64_t)bench->path_count], bench->token);
		int status = SSL_write(ssl, request, n) == n ? answer_read(ssl, &bytes) : 0;

		if (!status)
			r->failed = "an answer was cut off or not as announced";
		r->good += status == 200;
		r->refused += status && status != 200;
		r->bytes += bytes;
		if (r->sample_count < SAMPLES_MAX)
			r->samples[r->sample_count++] = (float)((now_s() - begun) * 1e6);
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static float median_us(const struct reader *readers, int count)
{
	size_t n = 0, total = 0;
	float *all;
	float middle;

	for (int i = 0; i < count; i++)
		total += readers[i].sample_count;
	all = calloc(total + 1, sizeof(*all));
	if (!all)
		return 0;
	for (int i = 0; i < count; i++) {
		memcpy(all + n, readers[i].samples, readers[i].sample_count * sizeof(*all));
		n += readers[i].sample_count;
	}
	qsort(all, n, sizeof(*all), by_value);
	middle = all[n / 2];
	free(all);
	return middle;
}

static bool options(struct bench *bench, char **argv, pid_t *pid, int *count)
{
	FILE *file = fopen(argv[2], "re");
	bool good = file && fgets(bench->token, sizeof(bench->token), file);

	if (file)
		fclose(file);
	bench->token[strcspn(bench->token, "\n")] = '\0';
	bench->port = (uint16_t)strtol(argv[1], NULL, 10);
	*pid = (pid_t)strtol(argv[3], NULL, 10);
	bench->seconds = strtod(argv[4], NULL);
	*count = (int)strtol(argv[5], NULL, 10);
	return good && *count > 0 && *count <= READERS_MAX && bench->seconds > 0;
}

int main(int argc, char **argv)
{
	static struct reader readers[READERS_MAX];
	struct bench bench = { .paths = argv + 6, .path_count = argc - 6 };
	uint64_t good = 0, refused = 0, bytes = 0;
	double begun, used, took;
	pid_t pid;
	int count;

	if (argc < 7 || !options(&bench, argv, &pid, &count)) {
		fprintf(stderr, "usage: bench_rest PORT TOKEN-FILE PID SECONDS CONNECTIONS "
				"PATH...\n");
		return 2;
	}
	bench.tls = SSL_CTX_new(TLS_client_method());
	begun = now_s();
	used = used_s(pid);
	for (int i = 0; i < count; i++) {
		readers[i].bench = &bench;
		readers[i].samples = calloc(SAMPLES_MAX, sizeof(float));
		if (!readers[i].samples ||
		    pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]))
			return 1;
	}
	for (int i = 0; i < count; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].failed) {
			fprintf(stderr, "bench_rest: %s\n", readers[i].failed);
			return 1;
		}
		good += readers[i].good;
		refused += readers[i].refused;
		bytes += readers[i].bytes;
	}
	took = now_s() - begun;
	used = used_s(pid) - used;
	printf("{\"requests_per_s\": %.0f, \"requests_per_cpu_s\": %.0f, \"cpu_us\": %.1f, "
	       "\"median_us\": %.0f, \"connections\": %d, \"not_200\": %llu, \"bytes\": %.0f}\n",
	       (double)good / took, (double)good / used, used * 1e6 / (double)good,
	       (double)median_us(readers, count), count, (unsigned long long)refused,
	       (double)bytes / (double)(good + refused));
	return good == 0; /* above the limit of a token 429 is right */
}
