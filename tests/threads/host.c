// A server with many threads of PHP: host THREADS PHP_INI. Every line on its standard input is PHP code
// that each thread runs at the same moment, as a request of its own; an empty line is the answer.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sapi/embed/php_embed.h>

// Seconds after which a round of requests hangs.
#define PATIENCE 60

static char code[64 * 1024];
static pthread_barrier_t start, end;

static void request(long number)
{
	char *numbered;
	if (asprintf(&numbered, "$thread = %ld; %s", number, code) < 0 || php_request_startup() == FAILURE) {
		abort();
	}
	zend_first_try {
		zend_eval_string(numbered, NULL, "a request");
	} zend_end_try();
	php_request_shutdown(NULL);
	free(numbered);
}

static void *thread(void *number)
{
	ts_resource(0);
	for (;;) {
		pthread_barrier_wait(&start);
		if (!*code) {
			break;
		}
		request((long) number);
		pthread_barrier_wait(&end);
	}
	ts_free_thread();
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		return 2;
	}
	long count = atol(argv[1]);
	php_embed_module.php_ini_path_override = argv[2];
	// Without arguments of its own, so that PHP code sees none.
	if (php_embed_init(0, NULL) == FAILURE) {
		return 1;
	}
	pthread_t threads[count];
	pthread_barrier_init(&start, NULL, count + 1);
	pthread_barrier_init(&end, NULL, count + 1);
	for (long number = 0; number < count; number++) {
		if (pthread_create(&threads[number], NULL, thread, (void *) number) != 0) {
			return 1;
		}
	}
	while (fgets(code, sizeof code, stdin)) {
		alarm(PATIENCE);
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&end);
		alarm(0);
		puts("");
		fflush(stdout);
	}
	*code = 0;
	pthread_barrier_wait(&start);
	for (long number = 0; number < count; number++) {
		pthread_join(threads[number], NULL);
	}
	php_embed_shutdown();
	return 0;
}
