/*
 * The yardstick of bench/cgroup-sampling.ts: reads the files named on standard input, one a line, with kept
 * descriptors, once for each line "go" that follows an empty line, and answers with the CPU time of the round in
 * nanoseconds and the bytes read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static char line[8192];
static char text[65536];

static long long cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(void)
{
	struct rlimit limit;
	int *files = NULL;
	size_t count = 0, room = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (fgets(line, sizeof(line), stdin) && line[0] != '\n') {
		line[strcspn(line, "\n")] = 0;
		if (count == room) {
			room = room ? room * 2 : 1024;
			files = realloc(files, room * sizeof(*files));
		}
		files[count] = open(line, O_RDONLY | O_CLOEXEC);
		if (files[count++] < 0) {
			perror(line);
			return 1;
		}
	}
	while (fgets(line, sizeof(line), stdin)) {
		long long bytes = 0, before = cpu_ns();

		for (size_t i = 0; i < count; i++)
			bytes += pread(files[i], text, sizeof(text), 0);
		printf("%lld %lld\n", cpu_ns() - before, bytes);
		fflush(stdout);
	}
	return 0;
}
