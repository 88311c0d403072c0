// Runs a program whose wall clock is moved: skew OFFSET_FILE PROGRAM [ARGUMENT]...
//
// OFFSET_FILE holds the milliseconds, and is read anew whenever the program asks what time it is, so its clock
// can be set at any moment. The monotonic clocks, other processes and the kernel, which dates files, keep the
// real time.
//
// Programs ask the time in the vDSO, without a system call; some find it themselves, so that no LD_PRELOAD
// reaches them. Its functions are overwritten with system calls, which a seccomp filter hands to this tracer
// (ptrace(2), seccomp(2), vdso(7)). For x86-64 alone.

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int offset_file;

static void fail(const char *what)
{
	perror(what);
	_exit(127);
}

// The real time of `clock`, moved by what the file says now.
static struct timespec moved(clockid_t clock)
{
	char text[32] = "";
	if (pread(offset_file, text, sizeof text - 1, 0) < 0) {
		fail("the offset");
	}
	struct timespec time;
	clock_gettime(clock, &time);
	long long millis = atoll(text);
	time.tv_sec += millis / 1000;
	time.tv_nsec += millis % 1000 * 1000000;
	if (time.tv_nsec < 0) {
		time.tv_sec--;
		time.tv_nsec += 1000000000;
	} else if (time.tv_nsec >= 1000000000) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000;
	}
	return time;
}

static void put(pid_t thread, unsigned long address, void *value, size_t size)
{
	if (address) {
		struct iovec from = {value, size}, to = {(void *) address, size};
		process_vm_writev(thread, &from, 1, &to, 1, 0);
	}
}

// Answers the system call for the time at which `thread` stopped, in place of the kernel.
static void tell_time(pid_t thread)
{
	struct user_regs_struct registers;
	ptrace(PTRACE_GETREGS, thread, 0, &registers);
	struct timespec time;
	switch (registers.orig_rax) {
	case SYS_clock_gettime:
		if (registers.rdi != CLOCK_REALTIME && registers.rdi != CLOCK_REALTIME_COARSE) {
			return;
		}
		time = moved(registers.rdi);
		put(thread, registers.rsi, &time, sizeof time);
		registers.rax = 0;
		break;
	case SYS_gettimeofday:
		time = moved(CLOCK_REALTIME);
		struct timeval micros = {time.tv_sec, time.tv_nsec / 1000};
		put(thread, registers.rdi, &micros, sizeof micros);
		registers.rax = 0;
		break;
	default:
		time = moved(CLOCK_REALTIME);
		put(thread, registers.rdi, &time.tv_sec, sizeof time.tv_sec);
		registers.rax = time.tv_sec;
	}
	// The kernel makes no call of this number.
	registers.orig_rax = -1;
	ptrace(PTRACE_SETREGS, thread, 0, &registers);
}

// Where `function` is in the vDSO: it is the same in every process, wherever that is mapped.
static unsigned long place(const char *function)
{
	char *vdso = (char *) getauxval(AT_SYSINFO_EHDR);
	Elf64_Ehdr *header = (Elf64_Ehdr *) vdso;
	Elf64_Shdr *sections = (Elf64_Shdr *) (vdso + header->e_shoff);
	for (int section = 0; section < header->e_shnum; section++) {
		if (sections[section].sh_type != SHT_DYNSYM) {
			continue;
		}
		Elf64_Sym *symbols = (Elf64_Sym *) (vdso + sections[section].sh_offset);
		char *names = vdso + sections[sections[section].sh_link].sh_offset;
		for (size_t symbol = 0; symbol < sections[section].sh_size / sizeof *symbols; symbol++) {
			if (strcmp(names + symbols[symbol].st_name, function) == 0) {
				return symbols[symbol].st_value;
			}
		}
	}
	fprintf(stderr, "%s is not in the vDSO\n", function);
	_exit(127);
}

static void make_system_call(pid_t process, unsigned long vdso, const char *function, char number)
{
	// mov $number, %eax; syscall; ret
	char code[sizeof(long)] = {0xb8, number, 0, 0, 0, 0x0f, 0x05, 0xc3};
	long word;
	memcpy(&word, code, sizeof word);
	if (ptrace(PTRACE_POKETEXT, process, vdso + place(function), word) < 0) {
		fail(function);
	}
}

// Overwrites the vDSO of a process that is about to begin: arguments, environment and the auxiliary vector,
// which tells where the vDSO is, are on its stack.
static void overwrite_vdso(pid_t process)
{
	struct user_regs_struct registers;
	ptrace(PTRACE_GETREGS, process, 0, &registers);
	unsigned long at = registers.rsp + sizeof(long);
	for (int list = 0; list < 2; list++) {
		while (ptrace(PTRACE_PEEKDATA, process, at, 0)) {
			at += sizeof(long);
		}
		at += sizeof(long);
	}
	long type;
	while ((type = ptrace(PTRACE_PEEKDATA, process, at, 0)) != AT_NULL) {
		if (type == AT_SYSINFO_EHDR) {
			unsigned long vdso = ptrace(PTRACE_PEEKDATA, process, at + sizeof(long), 0);
			make_system_call(process, vdso, "__vdso_clock_gettime", (char) SYS_clock_gettime);
			make_system_call(process, vdso, "__vdso_gettimeofday", SYS_gettimeofday);
			make_system_call(process, vdso, "__vdso_time", (char) SYS_time);
		}
		at += 2 * sizeof(long);
	}
}

// Becomes the program, which stops whenever it asks the time.
static void run(char **program)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettimeofday, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_time, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog rules = {sizeof filter / sizeof *filter, filter};
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
		|| prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &rules) < 0) {
		fail("seccomp");
	}
	execvp(*program, program);
	fail(*program);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		return 2;
	}
	offset_file = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (offset_file < 0) {
		fail(argv[1]);
	}
	pid_t program = fork();
	if (program == 0) {
		run(argv + 2);
	}
	int status, result = 127;
	waitpid(program, &status, 0);
	ptrace(PTRACE_SETOPTIONS, program, 0,
		PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK
			| PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
	ptrace(PTRACE_CONT, program, 0, 0);
	for (;;) {
		pid_t thread = waitpid(-1, &status, __WALL);
		if (thread < 0 && errno != EINTR) {
			return result;
		}
		if (thread == program && WIFEXITED(status)) {
			result = WEXITSTATUS(status);
		}
		if (thread < 0 || !WIFSTOPPED(status)) {
			continue;
		}
		int event = status >> 16, signal = WSTOPSIG(status);
		if (event == PTRACE_EVENT_SECCOMP) {
			tell_time(thread);
		} else if (event == PTRACE_EVENT_EXEC) {
			overwrite_vdso(thread);
		}
		// A stop for the tracer, or the first one of a new thread, is no signal for the program.
		int is_stop = event != 0 || signal == SIGSTOP || signal == SIGTRAP;
		ptrace(PTRACE_CONT, thread, 0, is_stop ? 0 : signal);
	}
}
