package gateway_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// BenchmarkPayment charges wallets of one merchant, durably: claim, payment,
// guarded debit, transfer, two postings, event and notification in one
// transaction. With many callers they share commits; compare 1 and 64.
func BenchmarkPayment(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			s := setupForced(b, nil)
			const wallets = 64
			bindings := make([]gateway.BindingID, wallets)
			for i := range bindings {
				s.wallet = s.newWallet(gateway.Phone(fmt.Sprintf("08130000%04d", i)), ledger.Split{Cash: 100_000_000_000})
				bindings[i] = s.bind("c").ID
			}
			var n atomic.Int64
			b.SetParallelism(callers)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					reference := fmt.Sprint("B-", i)
					_, _, err := s.direct().CreatePayment(context.Background(), gateway.CreatePayment{
						Claim:    gateway.Claim{Merchant: s.merchant.ID, Scope: "54", Key: reference},
						Merchant: s.merchant.ID, Binding: bindings[i%wallets], Channel: gateway.SNAPRecurring, Dialect: "snap",
						Reference: reference, RequestID: reference, Amount: 1_000, Use: ledger.UseCash, Fingerprint: "f", Details: "{}",
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
			b.StopTimer()
			s.auditClean()
		})
	}
}
