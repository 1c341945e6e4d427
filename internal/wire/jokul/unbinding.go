package jokul

// UnbindingRequest ends a binding.
type UnbindingRequest struct {
	Customer   NamedCustomer `json:"customer"`
	OVOAccount TokenRef      `json:"ovo_account"`
}

// NamedCustomer is a customer whose name must be there but may be blank.
type NamedCustomer struct {
	ID   string `json:"id"`
	Name string `json:"name"` // up to 50 characters
}

// UnbindingAnswer answers an [UnbindingRequest].
type UnbindingAnswer struct {
	Customer   NamedCustomer    `json:"customer"`
	OVOAccount UnbindingAccount `json:"ovo_account"`
}

// UnbindingAccount is the ovo_account of an [UnbindingAnswer].
type UnbindingAccount struct {
	TokenID string `json:"token_id"`
	Status  string `json:"status"` // StatusSuccess
	Message string `json:"message,omitempty"`
}
