package storetest

import (
	"fmt"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
)

// Rows with a value in every member, so that one which is not stored is noticed.

var epoch = time.Date(2026, 5, 6, 7, 8, 9, 123456000, time.UTC)

func merchant(n int) gateway.Merchant {
	return gateway.Merchant{ID: gateway.MerchantID(fmt.Sprint("mch_", n)), Name: "Toko", CreatedAt: epoch, DOKU: gateway.DOKU{
		ClientID: fmt.Sprint("BRN-", n), SecretKey: "SK-secret", PublicKeyPEM: "public", PrivateKeyPEM: "private", NotificationURL: "https://a.test",
		SNAP:         gateway.SNAPEndpoints{TokenURL: "https://a.test/t", NotificationURL: "https://a.test/n", BindingNotificationURL: "https://a.test/b"},
		OldSecretKey: "SK-old", OldSecretUntil: epoch, OldPublicKeyPEM: "old public", OldPublicKeyUntil: epoch.Add(time.Hour),
	}, Faspay: gateway.Faspay{
		MerchantID: fmt.Sprint(n), UserID: "bot", Password: "secret", NotificationURL: "https://b.test/n", ActivationURL: "https://b.test/a",
		ReturnURL: "https://b.test/r", Format: "xml", AmountScale: 100, Allow: "192.0.2.0/24", FlatErrors: true, Suspended: true,
		OldPassword: "old", OldPasswordUntil: epoch,
	}}
}

func wallet(n int) gateway.Wallet {
	return gateway.Wallet{
		ID: gateway.WalletID(fmt.Sprint("wal_", n)), Phone: gateway.Phone(fmt.Sprintf("0812%08d", n)), Name: "Sari", Status: gateway.WalletActive,
		PINHash: "hash", PIN: "123456", PINFails: 1, LockedUntil: epoch, CreatedAt: epoch,
		Limits: gateway.Limits{PerTransaction: 1, DailyCount: 2, DailySum: 3, Holding: 4},
	}
}

func page(n int) gateway.Page {
	return gateway.Page{
		ID: gateway.PageID(fmt.Sprint("pag_", n)), Key: fmt.Sprintf("%040d", n), Kind: "binding", Subject: fmt.Sprint("bnd_", n),
		MerchantID: "mch_1", WalletID: "wal_1", State: gateway.PageOTP, OTPHash: "h", OTP: "123456", OTPExpiresAt: epoch.Add(5 * time.Minute),
		OTPFails: 1, OTPSends: 2, Return: gateway.ReturnURLs{Success: "https://s.test", Failure: "https://f.test"},
		CreatedAt: epoch, OpenedAt: epoch, Deadline: epoch.Add(15 * time.Minute),
	}
}

// binding n refers to page n.
func binding(n int) gateway.Binding {
	return gateway.Binding{
		ID: gateway.BindingID(fmt.Sprint("bnd_", n)), MerchantID: "mch_1", WalletID: "wal_1", Phone: "081200000001", CustomerID: fmt.Sprint("c", n),
		State: gateway.BindingAwaiting, Dialect: "snap", RequestID: "r", PageID: gateway.PageID(fmt.Sprint("pag_", n)),
		TokenExpiresAt: epoch, CreatedAt: epoch, Details: "{}",
	}
}

func payment(n int) gateway.Payment {
	return gateway.Payment{
		ID: gateway.PaymentID(fmt.Sprint("pay_", n)), MerchantID: "mch_1", WalletID: "wal_1", BindingID: "bnd_1", PageID: "pag_1",
		Channel: gateway.SNAPSale, Dialect: "snap", Reference: fmt.Sprint("INV-", n), RequestID: fmt.Sprint("req-", n), Amount: 100,
		Use: ledger.UseExact, Split: ledger.Split{Cash: 60, Points: 40}, State: gateway.PaymentAwaiting, Fingerprint: "f", Details: "{}",
		NotifyURL: "https://n.test", CreatedAt: epoch, CustomerID: "c1",
		Order: fmt.Sprint("ORDER-", n),
	}
}
