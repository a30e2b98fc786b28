/** What is told of an error without a code: that is a bug, and the log has its stack. */
export const bugText = 'There was an error processing your request. Check logs and try again.';
