package app_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/gerbang-pay/gerbang/ovo"
)

// TestAnswersWaitForTheDisk proves what killing a process cannot: that a payment is
// on disk, and not only with the operating system, when it is acknowledged. It
// traces the server's system calls: between writing a payment to the write-ahead
// log and its answer to the socket there must be an fsync of the log that succeeded.
func TestAnswersWaitForTheDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("traces system calls")
	}
	t.Parallel()
	ofSQLite(t)
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("this test needs strace: install it, or run the tests with -short")
	}
	const payments = 40
	dir := t.TempDir()
	trace := filepath.Join(t.TempDir(), "trace")
	p := spawnUnder(t, dir, []string{"strace", "-D", "-f", "-y", "-qq", "-s", "8192", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o", trace})
	c := control{t, p.base}
	shop := c.snapClient(c.seededMerchant())
	token := c.bind(shop, "081222222222", "cust")
	for i := range payments {
		if _, err := shop.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: fmt.Sprintf("DISK-%03d.", i), Type: ovo.Recurring, Amount: 1}); err != nil {
			t.Fatal(err)
		}
	}
	p.kill()
	var calls []string
	for deadline := time.Now().Add(60 * time.Second); ; {
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if calls = strings.Split(string(text), "\n"); strings.Count(string(text), "killed by SIGKILL") > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the trace does not end")
		}
	}

	type seen struct{ written, synced, answered bool }
	state := map[string]*seen{}
	syncing := map[string][]*seen{} // by thread: what its running fsync will have on disk
	proven := 0
	reference := func(line string) string {
		if _, rest, ok := strings.Cut(line, "DISK-"); ok {
			return rest[:min(3, len(rest))]
		}
		return ""
	}
	for _, line := range calls {
		thread, call, _ := strings.Cut(line, " ")
		call = strings.TrimSpace(call)
		switch {
		case strings.HasPrefix(call, "pwrite64(") && strings.Contains(call, "-wal>"):
			for i := range payments { // a page may hold several
				if ref := fmt.Sprintf("%03d", i); strings.Contains(call, "DISK-"+ref+".") && state[ref] == nil {
					state[ref] = &seen{written: true}
				}
			}
		case (strings.HasPrefix(call, "fsync(") || strings.HasPrefix(call, "fdatasync(")) && strings.Contains(call, "-wal>"):
			var covers []*seen
			for _, s := range state {
				covers = append(covers, s)
			}
			if strings.HasSuffix(call, "= 0") {
				for _, s := range covers {
					s.synced = true
				}
			} else {
				syncing[thread] = covers
			}
		case strings.Contains(call, "sync resumed>") && strings.HasSuffix(call, "= 0"):
			for _, s := range syncing[thread] {
				s.synced = true
			}
			delete(syncing, thread)
		case strings.HasPrefix(call, "write(") && strings.Contains(call, "HTTP/1.1 200") && strings.Contains(call, "2005400"):
			ref := reference(call)
			s := state[ref]
			switch {
			case s == nil:
				t.Errorf("payment %s was answered and not even written", ref)
			case !s.synced:
				t.Errorf("payment %s was answered before it was on disk", ref)
			case !s.answered:
				s.answered = true
				proven++
			}
		}
	}
	if proven != payments && !t.Failed() {
		t.Errorf("the trace shows %d answers of %d", proven, payments)
	}
	tally{fault: "fsync before each answer, traced", trials: payments, acked: proven}.publish(t)
}

// limit bounds a resource of a process, up to what it may have at most.
func limit(t testing.TB, p process, resource int, to uint64) {
	t.Helper()
	prlimit := func(set, get *syscall.Rlimit) {
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), uintptr(resource), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), 0, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	var l syscall.Rlimit
	prlimit(nil, &l)
	l.Cur = min(to, l.Max)
	prlimit(&l, nil)
}

// TestCampaignDiskFull fills the disk under load: files may not grow beyond a size,
// which looks like it. Payments are then refused and nothing of them remains,
// inquiries go on, and once there is room so does the rest, without a restart.
func TestCampaignDiskFull(t *testing.T) {
	t.Parallel()
	ofSQLite(t)
	r := newRig(t, 8, 1)
	at := r.replicas[0]
	n := 0
	payment := func(customer int) (string, error) {
		n++
		reference := fmt.Sprint("F-", n)
		err := r.pay(at, customer, reference)
		r.note(reference, err)
		return reference, err
	}
	const jokul = 2 // this customer pays through Jokul, whose inquiry uses up no request id
	for round := range *campaignRounds {
		reference, err := payment(jokul)
		if err != nil {
			t.Fatal(err)
		}
		wal, err := os.Stat(filepath.Join(r.dir, "gerbang.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		limit(t, at.process, syscall.RLIMIT_FSIZE, uint64(wal.Size())+128<<10)
		refused := 0
		for tries := 0; refused < 10; tries++ {
			if _, err := payment(tries % len(r.phones)); err != nil {
				refused++
			}
			if tries > 5_000 {
				t.Fatal("the disk does not fill")
			}
		}
		if s, err := at.jokul.Status(context.Background(), reference); err != nil || s.State != ovo.StateSuccess {
			t.Errorf("round %d: an inquiry on a full disk: %+v, %v", round, s, err)
		}
		r.call("GET", "/wallets/"+r.phones[0], nil, 200, nil)
		r.call("POST", "/audit", nil, 200, nil)
		limit(t, at.process, syscall.RLIMIT_FSIZE, ^uint64(0))
		if _, err := payment(0); err != nil {
			t.Errorf("round %d: there is room again, and a payment says %v", round, err)
		}
	}
	r.settle("disk full under load", *campaignRounds, "refused while full, resumed without a restart")
}
