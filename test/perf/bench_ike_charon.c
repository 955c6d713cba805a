/*
 * DOC: strongSwan's responder in the same minutes as ours
 *
 * scripts/bench.d/ike starts charon, with no IPsec kernel below it and no log
 * (strongswan_no_kernel.c). An initiator of ours dials it over UDP on loopback, each time from
 * another address, as of another site; what is counted is the processor time of charon's process:
 * all of its threads, user and system. Whoever answers and the initiator are on one CPU and take
 * turns: neither runs beside the other, on what may be one core, and the initiator (SCHED_BATCH)
 * lets who answers finish what it has been sent, as under load.
 *
 * Our engine is measured twice: in memory, as the benchmark does it everywhere (look-up among
 * 10,000 connections, SAs into the gateway's ring, datagrams handed over), and as a process that is
 * to charon's measure: a UDP socket, nothing installed.
 */
#include "perf/bench_ike.h"
#include "perf/bench_ike_end.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define SITES 0x7f010000 /* 127.1.0.0 and on */
#define SITE_PORT 5001
#define CHARON_ADDRESS 0x7f000002
#define CHARON_PORT 500
#define OURS_ADDRESS 0x7f000003
#define OURS_PORT 5000 /* charon has the other one, of every address: so with a marker */
#define MARKER_BYTES 4 /* RFC 3948 section 2.2 */
#define DATAGRAM_BYTES 4096

/* Who answers, and the end from which it is dialled. */
struct answerer {
	struct bench_end end;
	uint32_t address;
	uint16_t port;
	pid_t process;
	clockid_t clock;
	unsigned long user_ticks, system_ticks; /* at the beginning */
	double ns[BENCH_PAIRS];			/* a handshake */
};

struct bench_charon {
	struct answerer charon, ours;
	double memory_ns[BENCH_PAIRS];
	size_t count;
	uint32_t handshakes; /* of a pair */
};

static const uint8_t marker[MARKER_BYTES];

static struct sockaddr_in socket_address(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(ip) };
}

static int socket_open(uint32_t ip, uint16_t port)
{
	const struct sockaddr_in at = socket_address(ip, port);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)))
		bench_die("a UDP socket", errno);
	return fd;
}

/* Room for the address of ours that a datagram comes from or went to. */
union control {
	struct cmsghdr header;
	uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static void udp_send(struct bench_end *end, const struct ikev2_datagram *datagram)
{
	const size_t skip = datagram->non_esp_marker ? 0 : MARKER_BYTES;
	const struct in_pktinfo info = {
		.ipi_spec_dst = { *(const uint32_t *)datagram->path.local.bytes },
	};
	struct sockaddr_in to = socket_address(0, datagram->path.remote_port);
	struct iovec parts[2] = { { (void *)(uintptr_t)marker, MARKER_BYTES - skip },
				  { (void *)(uintptr_t)datagram->bytes.p, datagram->bytes.n } };
	union control control = { .header = { .cmsg_len = CMSG_LEN(sizeof(info)),
					      .cmsg_level = IPPROTO_IP,
					      .cmsg_type = IP_PKTINFO } };
	const struct msghdr message = { .msg_name = &to,
					.msg_namelen = sizeof(to),
					.msg_iov = parts,
					.msg_iovlen = 2,
					.msg_control = &control,
					.msg_controllen = sizeof(control) };

	memcpy(&to.sin_addr, datagram->path.remote.bytes, sizeof(to.sin_addr));
	memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
	if (sendmsg(end->socket, &message, 0) < 0)
		end->failed++;
}

/* No initiator's SPI is 0: four zeros are a marker. */
static struct ikev2_datagram udp_receive(struct bench_end *end)
{
	static uint8_t bytes[DATAGRAM_BYTES];
	struct sockaddr_in from;
	struct in_pktinfo info;
	struct iovec part = { bytes, sizeof(bytes) };
	union control control;
	struct msghdr message = { .msg_name = &from,
				  .msg_namelen = sizeof(from),
				  .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(end->socket, &message, 0);
	size_t skip;

	if (n <= MARKER_BYTES || !CMSG_FIRSTHDR(&message))
		return (struct ikev2_datagram){ 0 };
	memcpy(&info, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(info));
	skip = memcmp(bytes, marker, sizeof(marker)) == 0 ? sizeof(marker) : 0;
	return (struct ikev2_datagram){
		.path = { .local = net_addr_of(NET_IP4, &info.ipi_addr),
			  .remote = net_addr_of(NET_IP4, &from.sin_addr),
			  .local_port = end->port,
			  .remote_port = ntohs(from.sin_port) },
		.bytes = { bytes + skip, (size_t)n - skip },
		.non_esp_marker = skip,
	};
}

static void end_start(struct bench_end *end, const struct ikev2_config *config, uint32_t ip,
		      uint16_t port, uint32_t connections)
{
	*end = (struct bench_end){ .socket = socket_open(ip, port),
				   .config = config,
				   .connection_count = connections,
				   .first = SITES,
				   .of_peer = true,
				   .port = port,
				   .send = udp_send,
				   .receive = udp_receive };
	if (bench_end_start(end))
		bench_die("an engine", ENOMEM);
}

/* On the CPU that charon is on. */
static void take_turns_with(pid_t process)
{
	const struct sched_param none = { 0 };
	cpu_set_t cpus;

	if (sched_getaffinity(process, sizeof(cpus), &cpus) ||
	    sched_setaffinity(0, sizeof(cpus), &cpus) || sched_setscheduler(0, SCHED_BATCH, &none))
		bench_die("the CPU of charon", errno);
}

/* Until it is killed. */
__attribute__((noreturn)) static void answer(struct bench_end *end)
{
	const struct sched_param none = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sched_setscheduler(0, SCHED_OTHER, &none))
		_exit(1);
	for (;;)
		(void)bench_end_take(end);
}

static pid_t answer_in_process(const struct ikev2_config *config, uint32_t connections)
{
	struct bench_end end;
	pid_t child;

	end_start(&end, config, OURS_ADDRESS, OURS_PORT, connections);
	child = fork();
	if (child < 0)
		bench_die("fork", errno);
	if (child == 0)
		answer(&end);
	bench_end_stop(&end);
	close(end.socket);
	return child;
}

/* Ticks of the process in user and system mode. */
static void ticks(pid_t process, unsigned long *user, unsigned long *system_mode)
{
	char path[64], line[1024] = "";
	FILE *file;
	char *after;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		bench_die(path, ESRCH);
	fclose(file);
	after = strrchr(line, ')');
	if (!after || sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", user,
			     system_mode) != 2)
		bench_die(path, EPROTO);
}

static uint64_t busy_ns(const struct answerer *answerer)
{
	struct timespec t;

	if (clock_gettime(answerer->clock, &t))
		bench_die("the processor time of who answers", errno);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct ikev2_dial dial(struct bench_end *end, uint32_t i)
{
	const struct answerer *answerer = (const struct answerer *)end;

	return (struct ikev2_dial){ .connection = end->connections[i],
				    .path = { .local = net_addr_ip4(SITES + i),
					      .remote = net_addr_ip4(answerer->address),
					      .local_port = end->port,
					      .remote_port = answerer->port } };
}

/* Nanoseconds of a handshake. */
static double answered(struct answerer *answerer, uint32_t count)
{
	const struct bench_end_dials dials = {
		.dial = dial, .first = answerer->end.up, .count = count, .together = BENCH_TOGETHER
	};
	uint64_t before = busy_ns(answerer);

	if (!bench_end_dial(&answerer->end, &dials))
		bench_die("not all came up over UDP", EPROTO);
	return (double)(busy_ns(answerer) - before) / count;
}

static void answerer_start(struct answerer *answerer, const struct ikev2_config *config,
			   uint32_t connections)
{
	if (clock_getcpuclockid(answerer->process, &answerer->clock))
		bench_die("the processor time of who answers", ESRCH);
	end_start(&answerer->end, config, INADDR_ANY,
		  (uint16_t)(SITE_PORT + (answerer->port == OURS_PORT)), connections);
	answered(answerer, BENCH_TOGETHER); /* the first ones are not timed */
	ticks(answerer->process, &answerer->user_ticks, &answerer->system_ticks);
}

struct bench_charon *bench_charon_begin(pid_t charon, const struct ikev2_config *config,
					uint32_t handshakes)
{
	const uint32_t connections = BENCH_TOGETHER + handshakes * BENCH_PAIRS;
	struct bench_charon *all = calloc(1, sizeof(*all));

	if (!all)
		bench_die("memory", ENOMEM);
	all->handshakes = handshakes;
	take_turns_with(charon);
	all->charon.address = CHARON_ADDRESS;
	all->charon.port = CHARON_PORT;
	all->charon.process = charon;
	all->ours.address = OURS_ADDRESS;
	all->ours.port = OURS_PORT;
	all->ours.process = answer_in_process(config, connections);
	answerer_start(&all->ours, config, connections);
	answerer_start(&all->charon, config, connections);
	return all;
}

void bench_charon_pair(struct bench_charon *all, double memory_ns)
{
	if (all->count == BENCH_PAIRS)
		return;
	all->memory_ns[all->count] = memory_ns;
	all->charon.ns[all->count] = answered(&all->charon, all->handshakes);
	all->ours.ns[all->count] = answered(&all->ours, all->handshakes);
	all->count++;
}

static double quarter(double *values, size_t n, size_t which)
{
	return bench_sorted(values, n)[n * which / 4];
}

/* How many times as many as charon's: median and quarters. */
struct ratio {
	double middle, low, high;
};

static struct ratio ratio_of(const struct bench_charon *all, const double *ours_ns)
{
	double of[BENCH_PAIRS];

	for (size_t i = 0; i < all->count; i++)
		of[i] = all->charon.ns[i] / ours_ns[i];
	return (struct ratio){ quarter(of, all->count, 2), quarter(of, all->count, 1),
			       quarter(of, all->count, 3) };
}

/* Of the processor time. */
static double in_kernel_percent(const struct answerer *answerer)
{
	unsigned long user, system_mode;

	ticks(answerer->process, &user, &system_mode);
	user -= answerer->user_ticks;
	system_mode -= answerer->system_ticks;
	return user + system_mode ? 100.0 * (double)system_mode / (double)(user + system_mode) : 0;
}

void bench_charon_tell(struct bench_charon *all, struct bench_fields *fields)
{
	const struct ratio memory = ratio_of(all, all->memory_ns);
	const struct ratio udp = ratio_of(all, all->ours.ns);
	const double charon = 1e9 / quarter(all->charon.ns, all->count, 2);
	const double ours = 1e9 / quarter(all->ours.ns, all->count, 2);

	printf("  strongSwan's responder %.0f handshakes/s on the same core (%.0f %% of its time "
	       "in the kernel): ours %.2f times as many (median of %zu pairs of %u, quarters %.2f "
	       "and %.2f)\n",
	       charon, in_kernel_percent(&all->charon), memory.middle, all->count, all->handshakes,
	       memory.low, memory.high);
	printf("  ours as a process over UDP %.0f (%.0f %%): %.2f times as many (quarters %.2f and "
	       "%.2f)\n",
	       ours, in_kernel_percent(&all->ours), udp.middle, udp.low, udp.high);
	snprintf(fields->text, sizeof(fields->text),
		 ",\"strongswan_per_s_core\":%.0f,\"ratio\":%.3f,\"ratio_quarter\":%.3f,"
		 "\"ratio_three_quarters\":%.3f,\"udp_per_s_core\":%.0f,\"udp_ratio\":%.3f,"
		 "\"pairs\":%zu,\"strongswan_handshakes\":%u",
		 charon, memory.middle, memory.low, memory.high, ours, udp.middle, all->count,
		 all->charon.end.up);
}

void bench_charon_end(struct bench_charon *all)
{
	kill(all->ours.process, SIGKILL);
	waitpid(all->ours.process, NULL, 0);
	bench_end_stop(&all->ours.end);
	bench_end_stop(&all->charon.end);
	close(all->ours.end.socket);
	close(all->charon.end.socket);
	free(all);
}
