package gateway

import (
	"context"
	"io"
	"time"

	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Store keeps the gateway's rows. Secrets are sealed on the way in and opened on
// the way out.
type Store interface {
	// View runs fn in one read snapshot.
	View(ctx context.Context, fn func(Tx) error) error

	// Peek runs fn, which only reads, and each of its reads may be of a moment of its
	// own. An engine may answer it for less than a View.
	Peek(ctx context.Context, fn func(Tx) error) error

	// Update runs fn in one transaction and returns once its commit is durable.
	// When fn or the commit fails, nothing of it remains. fn may be run again
	// after ErrRetry or a conflict, so it must touch nothing but its Tx and
	// variables it sets anew. A run may be told that a guard held when it did not;
	// that run is not committed. ctx can only keep a waiting Update from starting:
	// once begun it runs to its end.
	Update(ctx context.Context, fn func(Tx) error) error

	// Audit checks the invariants of the book in one read snapshot.
	Audit(ctx context.Context) ([]Invariant, error)
}

// Invariant is the verdict on one rule of the book.
type Invariant struct {
	ID     string   // "I01"…
	Rule   string   // what must hold, in words
	OK     bool     //
	Broken int      // how many rows break it
	Keys   []string // the first of them
}

// Tx is one transaction. Reads return ErrNoRow when there is no such row. The
// bool of a write says whether its guard held: false means that nothing was
// written. Now is fixed for the whole transaction, in microseconds, UTC.
type Tx interface {
	Now() time.Time
	// OnCommit runs fn once the transaction is durable.
	OnCommit(fn func())

	InsertClaim(Claim) (bool, error)
	Claim(Claim) (fingerprint, answer string, err error)
	// SetClaimAnswer keeps the first answer of the request with the claim's
	// fingerprint, and no other.
	SetClaimAnswer(c Claim, answer string) error

	InsertMerchant(Merchant) (bool, error)
	UpdateMerchant(Merchant) (bool, error)
	Merchant(MerchantID) (Merchant, error)
	MerchantByDOKUClient(clientID string) (Merchant, error)
	MerchantByFaspayID(id string) (Merchant, error)
	Merchants() ([]Merchant, error)

	InsertWallet(Wallet) (bool, error)
	UpdateWalletTerms(Wallet) error // name, status, limits, PIN lock; never the balance
	// SetWalletPhone moves a wallet to another number unless that has one.
	SetWalletPhone(id WalletID, from, to Phone) (bool, error)
	SetPIN(id WalletID, hash, readable string) error // also lifts a lock
	SetPINFails(id WalletID, fails int, lockedUntil time.Time) error
	// RenewPINHash replaces a hash of the PIN by another one of the same.
	RenewPINHash(id WalletID, from, to string) (bool, error)
	Wallet(WalletID) (Wallet, error)
	WalletByPhone(Phone) (Wallet, error)
	Wallets() ([]Wallet, error)
	// WalletSpent counts and sums the wallet's successful payments since a moment.
	WalletSpent(id WalletID, since time.Time) (count int64, sum money.Amount, err error)
	// DebitWallet takes s unless a purse holds less.
	DebitWallet(id WalletID, s ledger.Split) (bool, error)
	// CreditWallet adds s unless a purse, or both together, would exceed holding.
	CreditWallet(id WalletID, s ledger.Split, holding money.Amount) (bool, error)
	InsertTransfer(ledger.Transfer) error
	TransfersOf(PaymentID) ([]ledger.Transfer, error) // of the payment and its refunds

	// CountAsk counts what is sent to a wallet's owner, unless what was sent before,
	// one for each time of length every, reaches further ahead than slack.
	CountAsk(id WalletID, ask Ask, every, slack time.Duration) (bool, error)

	InsertBinding(Binding) error
	Binding(BindingID) (Binding, error)
	// Payer reads a binding and its wallet at once.
	Payer(BindingID) (Binding, Wallet, error)
	BindingByAuthCode(authCode string) (Binding, error)
	ActiveBinding(MerchantID, WalletID) (Binding, error)
	// BindingOfPhone finds, among the bindings that were ever active of a phone as
	// the merchant knows it, the active one, or else the one that ended last.
	BindingOfPhone(MerchantID, Phone) (Binding, error)
	AwaitingBindings(m MerchantID, w WalletID, customerID string) ([]Binding, error)
	CustomerBindings(m MerchantID, customerID string) ([]Binding, error) // active, newest first
	WalletBindings(WalletID) ([]Binding, error)
	DueBindings(limit int) ([]Binding, error) // active, past their end
	// ActivateBinding makes an awaiting binding active.
	ActivateBinding(id BindingID, expiresAt time.Time) (bool, error)
	EndBinding(id BindingID, from, to BindingState, by EndedBy) (bool, error)
	SetBindingToken(id BindingID, expiresAt time.Time) error

	InsertPage(Page) error
	Page(PageID) (Page, error)
	PageByKey(key string) (Page, error)
	OTPPages(WalletID) ([]Page, error) // waiting for a live code, newest first
	DuePages(limit int) ([]Page, error)
	// UpdatePage writes p unless the page has changed since before was read.
	UpdatePage(p, before Page) (bool, error)
	// EndPage ends an open page.
	EndPage(id PageID, to PageState) (bool, error)

	InsertPayment(Payment) (bool, error)
	// FinishPayment writes state, reason, split, transfer and final time of p
	// unless the payment has left the state from.
	FinishPayment(p Payment, from PaymentState) (bool, error)
	// SetRefunded moves the refunded amounts from one pair of values to another.
	SetRefunded(id PaymentID, from, to ledger.Split) (bool, error)
	Payment(PaymentID) (Payment, error)
	PaymentByReference(m MerchantID, dialect, reference string) (Payment, error)
	PaymentByRequestID(m MerchantID, dialect, requestID string) (Payment, error)
	// PaymentOfOrder finds the one payment of an order that is paid or may be yet.
	PaymentOfOrder(m MerchantID, dialect, order string) (Payment, error)
	// OrderHistory lists a wallet's payments of orders that were made in a time,
	// from its beginning and without its end, newest first.
	OrderHistory(m MerchantID, w WalletID, dialect string, from, until time.Time, skip, limit int) ([]Payment, error)
	AwaitingPayments(BindingID) ([]Payment, error)
	Payments(before PaymentID, limit int) ([]Payment, error)
	// WalletPayments lists a wallet's payments that became final before another one,
	// newest first; the zero time is before none.
	WalletPayments(w WalletID, final time.Time, before PaymentID, limit int) ([]Payment, error)

	// InsertPush fails its guard when the merchant has used the proof before.
	InsertPush(Push) (bool, error)
	// FinishPush closes an open push with what its answer needs.
	FinishPush(Push) (bool, error)
	Push(PaymentID) (Push, error)
	DuePushes(limit int) ([]Push, error)
	WalletPushes(WalletID) ([]Push, error) // open, oldest first
	// PushesFinal lists payments whose push was closed at or after a moment.
	PushesFinal(since time.Time) ([]PaymentID, error)
	// NextTerminalNumbers counts on a merchant's terminal.
	NextTerminalNumbers(m MerchantID, day string) (TerminalNumbers, error)

	InsertRefund(Refund) (bool, error)
	RefundByReference(m MerchantID, dialect, reference string) (Refund, error)
	Refunds(PaymentID) ([]Refund, error)

	InsertEvent(Event) error
	Event(EventID) (Event, error)
	Events(subject string) ([]Event, error)

	InsertNotification(Notification) error
	// ClaimNotifications leases due notifications until a moment and raises
	// their fences: the earliest that are due at from or later, but those of some
	// merchants.
	ClaimNotifications(leaseUntil time.Time, limit int, from time.Time, except []MerchantID) ([]Notification, error)
	// NextNotification is when the earliest is due of those that are due after a
	// moment, but those of some merchants.
	NextNotification(after time.Time, except []MerchantID) (time.Time, error)
	// FinishNotification writes state, attempts and next time unless the fence
	// has moved on.
	FinishNotification(Notification) (bool, error)
	ReleaseNotifications() error
	Notification(NotificationID) (Notification, error)
	Notifications(subject string, before NotificationID, limit int) ([]Notification, error)
	InsertAttempt(Attempt) error
	Attempts(NotificationID) ([]Attempt, error)

	// PutMessage queues a message, due now, in place of one about the same subject.
	PutMessage(Message) error
	ClaimMessages(until time.Time, limit int) ([]Message, error) // due ones, which are due again then
	NextMessage() (time.Time, error)
	DeleteMessage(id MessageID, fence int64) (bool, error)
	PostponeMessage(id MessageID, fence int64, next time.Time) (bool, error)

	// Searches list up to limit rows, newest first, and look at no more than reach
	// of them; the id is where the list goes on, "" at its end.
	SearchPayments(f PaymentFilter, limit, reach int) ([]Payment, PaymentID, error)
	SearchBindings(f BindingFilter, limit, reach int) ([]Binding, BindingID, error)
	SearchNotifications(f NotificationFilter, limit, reach int) ([]Notification, NotificationID, error)
	SearchTransfers(f TransferFilter, limit, reach int) ([]Movement, TransferID, error)
	// PaymentsNamed finds payments, of m unless that is "", by their order, request
	// id, or a reference, theirs or of their refunds, within one of the spaces.
	PaymentsNamed(m MerchantID, number string, spaces []string, limit int) ([]Payment, error)
	SubjectOf(id string) (string, error) // of a refund, event, notification, transfer or page
	MerchantsAfter(after MerchantID, limit int) ([]Merchant, error)
	WalletsAfter(after Phone, limit int) ([]Wallet, error)
	RefundsBetween(m MerchantID, days Period, limit int) ([]Refund, error)
	Movement(TransferID) (Movement, error)

	// Tally counts up to limit rows that come next and whose ids are below to.
	Tally(name, to string, limit int) (Tallied, error)
	// AddTally adds what was counted, unless somebody has counted on from there.
	AddTally(Tallied) (bool, error)
	// RestartTally empties a tally's counters, unless somebody has counted on from there.
	RestartTally(name, from string) (bool, error)
	// Counts of m or, with "", of all merchants, in slots of whole hours or days.
	PaymentCounts(m MerchantID, p Period, slot time.Duration) ([]PaymentCount, error)
	NotificationCounts(m MerchantID, p Period, slot time.Duration) ([]NotificationCount, error)
	CountNotifications(m MerchantID, state NotificationState, limit int) (int, error)
	Settlements(f SettlementFilter, limit int) ([]Settlement, error)
	Receivables(m MerchantID) (ledger.Split, error)
	Book() (Book, error)

	InsertUser(User) (bool, error)
	SetPassword(id UserID, hash string, temporary bool) (bool, error) // also lifts a lock
	// RenewPasswordHash replaces a hash of the password by another one of the same.
	RenewPasswordHash(id UserID, from, to string) (bool, error)
	SetUserDisabled(id UserID, disabled bool) (bool, error)
	// CountWrongPassword locks the user until a moment when it is the last of tries.
	CountWrongPassword(id UserID, tries int, lockUntil time.Time) error
	// CountRightPassword starts the count anew unless the user is locked or disabled,
	// or the password has another hash by now.
	CountRightPassword(id UserID, hash string) (bool, error)
	SetSignedIn(UserID) error
	// SetPendingFactor keeps a secret that the user has yet to confirm. ConfirmFactor
	// puts it in force, unless it is no longer the one of that moment; step is that of
	// the code by which it was confirmed.
	SetPendingFactor(id UserID, secret string) (bool, error)
	ConfirmFactor(id UserID, pendingSince time.Time, step int64) (bool, error)
	// TakeStep uses up a code of the factor that is in force since a moment, unless one
	// of its step or a later one was taken.
	TakeStep(id UserID, since time.Time, step int64) (bool, error)
	ClearFactor(UserID) (bool, error)
	InsertRecoveryCode(id UserID, digest string) error
	TakeRecoveryCode(id UserID, digest string) (bool, error)
	RecoveryCodes(UserID) (int, error)
	DeleteRecoveryCodes(UserID) error
	User(UserID) (User, error)
	UserByName(name string) (User, error)
	Users(after string, limit int) ([]User, error)
	InsertSession(Session) error
	Session(tokenDigest string) (Session, error)
	TouchSession(tokenDigest string) error
	// SessionsOf lists those of a user that go on, last used first.
	SessionsOf(id UserID, idleSince time.Time, limit int) ([]Session, error)
	DeleteSession(tokenDigest string) error
	DeleteSessionOf(id UserID, tokenDigest string) (bool, error)
	DeleteSessionsOf(id UserID, keep string) error
	DeleteEndedSessions(idleSince time.Time) error

	InsertTrace(Trace) error
	EndTrace(id TraceID, outcome string) error
	Trail(f TraceFilter, limit int) ([]Trace, error)

	// PruneClaims deletes up to limit claims that are older than a moment, and
	// PruneNotifications delivered notifications, with their attempts, that have an
	// id below before, which belongs to moment. They return how many.
	PruneClaims(before time.Time, limit int) (int, error)
	PruneNotifications(before NotificationID, moment time.Time, limit int) (int, error)

	// AnythingDue reports whether DuePages or DueBindings would find something.
	AnythingDue() (bool, error)

	// Setting and SetSetting keep small facts about the installation, sealed.
	Setting(name string) (string, error)
	SetSetting(name, value string) error
	InsertSetting(name, value string) (bool, error) // unless it is set

	// Erase deletes every row but settings.
	Erase() error
	// Dump writes every row but settings, in a form that any engine's Load reads.
	Dump(io.Writer) error
	// Load replaces every row but settings by those of a dump. A dump that cannot be
	// used is refused as Invalid.
	Load(dump []byte) error
}
