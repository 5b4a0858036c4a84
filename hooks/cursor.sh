# What Cursor tells one of its hooks, handed to a process in the background. $1 is the event.
# It answers at once, and always ends with 0: 2 would stop the agent.
set +Ceu
exec 2>/dev/null
umask 077
# All of it: whoever writes it stops when we end, and that process has hardly begun by then.
told=$(cat)
case ${1-} in
beforeSubmitPrompt) printf '{"continue": true}\n' ;;
*) printf '{}\n' ;;
esac
test -x @PROGRAM@ || exit 0
cd / || exit 0 # a folder of the user's is neither kept busy nor searched for modules
(
	trap '' HUP
	printf '%s' "$told" | AGENT_ANALYTICS_HOME=@HOME@ nice -n 19 @COMMAND@ log-event cursor
) </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
exit 0
