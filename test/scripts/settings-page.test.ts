import { expect, test } from 'vitest';
import { settingsPage } from '../../scripts/settings-page.ts';

test('docs/settings.md is what the definitions say: else run npm run docs', async () => {
  await expect(settingsPage()).toMatchFileSnapshot('../../docs/settings.md');
});
