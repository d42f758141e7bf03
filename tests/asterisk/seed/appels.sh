#!/bin/bash

CSV_FILE="contact.csv"
CALLS_DIR="/var/spool/asterisk/outgoing/"
CALLER_ID="9000"

# Vérification de l'existence du fichier CSV
if [[ ! -f "$CSV_FILE" ]]; then
    echo "❌ Erreur : le fichier $CSV_FILE n'existe pas."
    exit 1
fi

# Lecture du fichier CSV
tail -n +2 "$CSV_FILE" | while IFS=, read -r NAME NUMBER; do
    if [[ -z "$NAME" || -z "$NUMBER" ]]; then
               continue
    fi

    CALL_FILE="/tmp/call_$NUMBER.call"
    
    echo "📞 Génération de l'appel pour $NAME ($NUMBER)..."

    cat <<EOF > "$CALL_FILE"
# Récupération des données du fichier CSV
Channel: PJSIP/$NUMBER
CallerID: "Prospection Automatique" <$CALLER_ID>
MaxRetries: 2
RetryTime: 60
WaitTime: 30
Context: auto_calls
Extension: s
Priority: 1
EOF

# Changement des autorisations
    chmod 777 "$CALL_FILE"
    mv "$CALL_FILE" "$CALLS_DIR/"
    echo "✅ Appel généré pour $NAME ($NUMBER)"
done
