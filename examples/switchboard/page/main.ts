import { userOf } from '../shared/users.ts';
import { find } from './dom.ts';
import { showAsk } from './panels/ask.ts';
import { showInbox } from './panels/inbox.ts';
import { showLater } from './panels/later.ts';
import { showMinute } from './panels/minute.ts';
import { showPeople } from './panels/people.ts';
import { showPost } from './panels/post.ts';
import { showPulse } from './panels/pulse.ts';
import { showQuestions } from './panels/questions.ts';
import { showTop } from './panels/top.ts';
import { PeopleNow } from './people-now.ts';
import { Report } from './report.ts';
import { Tab } from './tab.ts';

async function main(): Promise<void> {
  const user = userOf(new URLSearchParams(location.search).get('user'));
  if (user === undefined) throw new Error('the server serves this page to known people only');
  const tab = new Tab(user.id, 'ws');
  const report = new Report(tab);
  const people = new PeopleNow(tab);

  showTop(tab, user);
  showPeople(tab, people);
  showMinute(tab);
  showPulse(tab, report);
  showPost(tab, people);
  showInbox(tab);
  showAsk(tab, people);
  showQuestions(tab);
  // A browser may have no storage for it. The rest of the page works all the same.
  await showLater(tab).catch((error: Error) => {
    find('#saved').textContent = error.message;
  });
  await tab.open();
}

main().catch((error: Error) => {
  find('#link-state').textContent = error.message;
});
