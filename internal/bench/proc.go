package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of CPU times in /proc on every Linux: USER_HZ is 100 there.
const clockTick = 10 * time.Millisecond

// CPU is how much CPU time a process has used so far, in user and kernel mode. On
// systems without /proc it is 0.
func CPU(pid int) (time.Duration, error) {
	stat, err := proc(pid, "stat")
	if stat == nil {
		return 0, err
	}
	// The name in brackets may hold anything; counted from behind it, utime and stime
	// are the twelfth and thirteenth field.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("bench: /proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("bench: /proc/%d/stat holds no times", pid)
	}
	return time.Duration(user+system) * clockTick, nil
}

// Memory is how many bytes of a process are resident. On systems without /proc it is 0.
func Memory(pid int) (int64, error) {
	statm, err := proc(pid, "statm")
	if statm == nil {
		return 0, err
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0, fmt.Errorf("bench: /proc/%d/statm has %d fields", pid, len(fields))
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// proc reads a file that Linux has of each process. It is nil on systems without /proc.
func proc(pid int, file string) ([]byte, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if os.IsNotExist(err) {
		if _, err := os.Stat("/proc/self/" + file); err != nil {
			return nil, nil
		}
	}
	return content, err
}

func ownCPU() time.Duration {
	used, _ := CPU(os.Getpid()) // its own process exists
	return used
}
