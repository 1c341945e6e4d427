package floor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/bench/floor"
	"github.com/gerbang-pay/gerbang/internal/store/storetest"
)

// A baseline that takes less care than it says would flatter nobody but itself.
func TestFloorIsHonest(t *testing.T) {
	t.Parallel()
	storetest.OnEngines(t, func(t *testing.T, e storetest.Engine) {
		database := filepath.Join(t.TempDir(), "floor.db")
		if e.Name == storetest.Postgres.Name {
			database = e.New(t)
		}
		ctx, stop := context.WithCancel(context.Background())
		urls, served := make(chan string, 1), make(chan error, 1)
		go func() {
			served <- floor.Serve(ctx, database, func(baseURL string) error { urls <- baseURL; return nil })
			close(served)
		}()
		t.Cleanup(func() {
			stop()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
		var url string
		select {
		case url = <-urls:
		case err := <-served:
			t.Fatal(err)
		}
		pay := func(order string, wallet, amount int64, signature string) int {
			body, err := json.Marshal(floor.Request{Merchant: 1, Order: order, Wallet: wallet, Amount: amount})
			if err != nil {
				t.Error(err)
				return 0
			}
			if signature == "" {
				signature = floor.Sign(body)
			}
			r, err := http.NewRequest(http.MethodPost, url+floor.Path, strings.NewReader(string(body)))
			if err != nil {
				t.Error(err)
				return 0
			}
			r.Header.Set(floor.Signature, signature)
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return 0
			}
			answer.Body.Close()
			return answer.StatusCode
		}
		var together sync.WaitGroup
		for i := range 20 {
			together.Go(func() {
				if status := pay(fmt.Sprint("order-", i), 1+int64(i%2), 1, ""); status != http.StatusOK {
					t.Errorf("payment %d: status %d", i, status)
				}
			})
		}
		together.Wait()
		for _, c := range []struct {
			name           string
			status         int
			order          string
			wallet, amount int64
			signature      string
		}{
			{"an order paid before", http.StatusConflict, "order-1", 1, 1, ""},
			{"more than the wallet holds", http.StatusConflict, "dear", 1, 1_000_000_000_000, ""},
			{"no wallet", http.StatusConflict, "nobody", floor.Wallets + 1, 1, ""},
			{"another signature", http.StatusUnauthorized, "forged", 1, 1, "bm9uZQ=="},
			{"all that is left", http.StatusOK, "rest", 1, 1_000_000_000_000 - 10, ""},
		} {
			if status := pay(c.order, c.wallet, c.amount, c.signature); status != c.status {
				t.Errorf("%s: status %d, want %d", c.name, status, c.status)
			}
		}
	})
}
